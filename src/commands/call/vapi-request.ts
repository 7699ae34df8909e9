import { wordCount } from './call-door.ts';
import { CallProblem } from './call-problem.ts';
import { createFrameReader, type TurnAnswer } from './frames.ts';
import type { History } from './history.ts';

/** One call as Vapi knows it; the same for all its requests. */
export interface VapiCall {
  id: string;
  /** E.164, or `null` when withheld. */
  customerNumber: string | null;
  /** Who callers can be connected to; without one the assistant has no tool for it. */
  humanNumber?: string | null;
  startedAt: Date;
}

/** Where to call, and with which key. */
export interface ServerLine {
  url: string;
  key: string;
}

/** Vapi's own default for a custom model: no word by then and it gives up. */
const turnDeadlineMs = 20_000;

/**
 * Sends one turn as Vapi does and reads the answer.
 *
 * @param cutAfterWords break the request off once more words than that came: with 0 as soon as the answer begins
 * @throws CallProblem when nothing listens, the key is refused, another status comes, or 20 seconds are over
 */
export async function askTurn(
  { url, key }: ServerLine,
  body: object,
  {
    cutAfterWords,
    deadlineMs = turnDeadlineMs,
  }: { cutAfterWords?: number | undefined; deadlineMs?: number | undefined } = {},
): Promise<TurnAnswer> {
  const startedMs = performance.now();
  let firstWordMs: number | undefined;
  let text = '';
  const reader = createFrameReader((piece) => {
    firstWordMs ??= performance.now() - startedMs;
    text += piece;
  });
  const hangUp = new AbortController();
  const deadline = AbortSignal.timeout(deadlineMs);
  let cut = false;
  let problems: string[] = [];
  try {
    const response = await fetch(`${url}/vapi/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify(body),
      signal: AbortSignal.any([hangUp.signal, deadline]),
    });
    await refuseStatus(response, url);
    problems = contentTypeProblems(response);
    for await (const bytes of response.body ?? []) {
      reader.push(bytes);
      cut = cutAfterWords !== undefined && wordCount(text) > cutAfterWords;
      if (cut) break;
    }
    if (cut) hangUp.abort();
  } catch (error) {
    throw asProblem(error, { url, deadlineMs, isLate: deadline.aborted });
  }
  const answer = reader.end({ broken: cut });
  if (answer.text.trim() === '' && answer.toolCalls.length === 0 && !cut) {
    problems.push('the answer has neither words nor a tool call: the caller would hear silence');
  }
  return {
    ...answer,
    violations: [...problems, ...answer.violations],
    firstWordMs,
  };
}

/** A request body with everything Vapi sends in its default mode. `now` stamps it. */
export function turnBody(call: VapiCall, history: History, now: Date): object {
  const customer = call.customerNumber === null ? {} : { number: call.customerNumber };
  const host = 'phone-call-websocket.aws-us-west-2-backend-production2.vapi.ai';
  return {
    model: 'holdline',
    messages: history.messages,
    temperature: 0.5,
    max_tokens: 250,
    stream: true,
    tools: vapiTools(call.humanNumber),
    call: {
      id: call.id,
      orgId: '6f0b7f3e-0000-4000-8000-000000000001',
      type: 'inboundPhoneCall',
      // Vapi never updates it while the call lasts.
      status: 'ringing',
      createdAt: call.startedAt.toISOString(),
      updatedAt: call.startedAt.toISOString(),
      assistantId: 'demo-clinic',
      phoneCallProvider: 'twilio',
      phoneCallTransport: 'pstn',
      customer,
      monitor: {
        listenUrl: `wss://${host}/${call.id}/listen`,
        controlUrl: `https://${host}/${call.id}/control`,
      },
    },
    customer,
    phoneNumber: { number: '+15550100000', provider: 'twilio' },
    metadata: history.turns,
    timestamp: now.getTime(),
  };
}

function vapiTools(humanNumber: string | null = '+15550100001'): object[] {
  return [
    {
      type: 'function',
      function: {
        name: 'endCall',
        description: 'Ends the call after the goodbye.',
        parameters: { type: 'object', properties: {} },
      },
    },
    ...(humanNumber === null
      ? []
      : [
          {
            type: 'function',
            function: {
              name: 'transferCall',
              description: 'Puts the caller through to a person at the clinic.',
              parameters: {
                type: 'object',
                properties: { destination: { type: 'string', enum: [humanNumber] } },
                required: ['destination'],
              },
            },
          },
        ]),
  ];
}

async function refuseStatus(response: Response, url: string): Promise<void> {
  if (response.ok) return;
  const reason = (await response.text()).slice(0, 300);
  if (response.status === 401) {
    throw new CallProblem(
      `The server at ${url} refused the key (401). Give the right one with --key, or set VAPI_SECRET to the server's.`,
    );
  }
  throw new CallProblem(
    `The server at ${url} answered ${response.status}, on which Vapi ends the call: ${reason}`,
  );
}

function contentTypeProblems(response: Response): string[] {
  const type = response.headers.get('content-type') ?? 'none';
  return type.startsWith('text/event-stream') ? [] : [`the content type is ${type}, not text/event-stream`];
}

function asProblem(error: unknown, about: { url: string; deadlineMs: number; isLate: boolean }): unknown {
  if (error instanceof CallProblem) return error;
  if (about.isLate) {
    const seconds = about.deadlineMs / 1000;
    return new CallProblem(`The turn was not over after ${seconds} s; Vapi gives up then.`, { cause: error });
  }
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND') {
    return new CallProblem(
      `Nothing listens at ${about.url}. Start the server with "npm start", or leave --url out and one is started.`,
      { cause: error },
    );
  }
  const reason = typeof code === 'string' ? code : cause instanceof Error ? cause.message : String(cause);
  return new CallProblem(`The answer of ${about.url} broke off: ${reason}.`, { cause: error });
}
