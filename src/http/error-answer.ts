import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';
import type { Log } from '#telemetry/log.ts';

/**
 * What every door answers beside a status of 400 or more. It is OpenAI's form, because Vapi reads it at the custom-LLM
 * door. Pages for a person's browser answer in words instead, and a 200 of Vapi's own protocol may carry an error in
 * Vapi's form.
 */
export interface ErrorAnswer {
  error: {
    /** What kind of error it is. It follows from the status. */
    type: ErrorType;
    /** What is wrong and, where somebody can do something about it, what to do. */
    message: string;
    /** Which of several reasons with one status it is, for a program. */
    code?: string;
  };
}

export type ErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'permission_error'
  | 'not_found_error'
  | 'conflict_error'
  | 'rate_limit_error'
  | 'server_error';

/** Answers a request with an error. */
export function answerError(
  reply: FastifyReply,
  status: number,
  message: string,
  code?: string,
): FastifyReply {
  const answer: ErrorAnswer = {
    error: { type: errorTypeOf(status), message, ...(code === undefined ? {} : { code }) },
  };
  return reply.code(status).send(answer);
}

/**
 * Answers what nobody else answers: a fault in a route, a request that is too large or not understood, and a path
 * where nothing is. Only a fault is logged.
 *
 * @param faultStatus what a fault is answered with, where it names no status itself
 */
export function answerFaults(
  http: FastifyInstance,
  { log, faultStatus }: { log: Log; faultStatus: 500 | 503 },
): void {
  http.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? faultStatus;
    if (status < 500) return answerError(reply, status, error.message);
    log.error({ err: error, path: request.routeOptions.url }, 'a request could not be answered');
    return answerError(reply, faultStatus, 'this cannot be answered at the moment; the log says why');
  });
  http.setNotFoundHandler((_request, reply) => answerError(reply, 404, 'there is no such route'));
}

const types: Record<number, ErrorType> = {
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  409: 'conflict_error',
  429: 'rate_limit_error',
};

function errorTypeOf(status: number): ErrorType {
  return types[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error');
}
