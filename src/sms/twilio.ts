import type { Twilio } from 'twilio';
import { refusalOf, type SmsProblem } from './outcomes.ts';

/** Sends text messages and finds those it sent. */
export interface TextSender {
  send(message: OutgoingText): Promise<SendOutcome>;
  /**
   * Ids of messages to that number with that body, made since then, newest first: Twilio has no idempotency key, so
   * an attempt that was accepted without our hearing of it is found by what it said.
   *
   * @throws when Twilio cannot be asked
   */
  find(message: Pick<OutgoingText, 'to' | 'body'>, since: Date): Promise<string[]>;
}

export interface OutgoingText {
  /** E.164. */
  to: string;
  body: string;
  /** Where Twilio tells what became of it. */
  statusCallback?: string | undefined;
}

export type SendOutcome =
  | { accepted: true; sid: string }
  | {
      accepted: false;
      problem: SmsProblem;
      code: number | undefined;
      /** Whether it may have been accepted all the same: the answer was lost, or is none. */
      unclear: boolean;
    };

export interface TwilioOptions {
  accountSid: string;
  authToken: string;
  /** An E.164 number, or a messaging service's id (MG…), which chooses the number itself. */
  from: string;
  /** Another server that speaks Twilio's language. */
  baseUrl?: string | undefined;
  /** How long an answer is waited for. */
  timeoutMs: number;
}

/** More than any patient is texted in the time an attempt may stay unclear. */
const foundMax = 50;

/** Their clock and ours may differ by this much. */
const clockSkewMs = 60_000;

/** Makes a sender. The client is loaded at its first use: a process that texts nobody need not. */
export function createTwilio(options: TwilioOptions): TextSender {
  let loaded: Promise<Twilio> | undefined;
  const client = () => {
    loaded ??= loadClient(options);
    return loaded;
  };
  const service = options.from.startsWith('MG');
  return {
    async send({ to, body, statusCallback }) {
      const twilio = await client();
      try {
        const { sid } = await twilio.messages.create({
          to,
          body,
          ...(service ? { messagingServiceSid: options.from } : { from: options.from }),
          ...(statusCallback === undefined ? {} : { statusCallback }),
        });
        if (sid === undefined || sid === null) return lost();
        return { accepted: true, sid };
      } catch (error) {
        return outcomeOf(error);
      }
    },
    async find({ to, body }, since) {
      const twilio = await client();
      const messages = await twilio.messages.list({
        to,
        ...(service ? {} : { from: options.from }),
        limit: foundMax,
        pageSize: foundMax,
      });
      return messages
        .filter(({ body: sent, dateCreated, direction }) => {
          // A trial account puts a sentence of its own in front.
          return (
            direction !== 'inbound' &&
            (sent ?? '').endsWith(body) &&
            dateCreated.getTime() >= since.getTime() - clockSkewMs
          );
        })
        .map(({ sid }) => sid);
    },
  };
}

async function loadClient({ accountSid, authToken, baseUrl, timeoutMs }: TwilioOptions) {
  const [{ default: twilio }, { default: RequestClient }] = await Promise.all([
    import('twilio'),
    import('twilio/lib/base/RequestClient.js'),
  ]);
  const httpClient = new RequestClient({ timeout: timeoutMs });
  if (baseUrl !== undefined) {
    const request = httpClient.request.bind(httpClient);
    httpClient.request = (asked) =>
      request({ ...asked, uri: asked.uri.replace(/^https:\/\/[^/]+/, baseUrl.replace(/\/+$/, '')) });
  }
  return twilio(accountSid, authToken, { httpClient, autoRetry: false });
}

/** Twilio's refusals have a status and mostly a code; everything else is the network's. */
function outcomeOf(error: unknown): SendOutcome {
  const { status, code } = error as { status?: unknown; code?: unknown };
  if (typeof status === 'number' && status > 0) {
    const known = typeof code === 'number' ? code : undefined;
    const problem = refusalOf(status, known);
    // A server that failed may have failed after it had accepted.
    const unclear = status >= 500 || status === 408 || status < 400;
    return { accepted: false, problem, code: known, unclear };
  }
  const reached = !(typeof code === 'string' && neverReached.has(code));
  return { ...lost(), unclear: reached };
}

/** Errors before the first byte of the request was on its way. */
const neverReached = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

function lost() {
  return { accepted: false, problem: 'unavailable', code: undefined, unclear: true } as const;
}
