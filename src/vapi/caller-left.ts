import type { ServerResponse } from 'node:http';

/**
 * Aborts when the other side closes the connection before the answer was written: the caller talks on or hung up.
 * Fastify's `request.signal` cannot be used: on a POST it aborts as soon as the body has been read.
 */
export function callerLeft(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) controller.abort(new DOMException('the caller left', 'AbortError'));
  });
  return controller.signal;
}
