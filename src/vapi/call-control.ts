import { Agent, request } from 'undici';
import type { SpokenWords } from '#conversation/speech.ts';
import type { SpeakingLine } from '#conversation/turn-events.ts';
import type { Log } from '#telemetry/log.ts';

/** What can be done to a call from outside its turns. Resolves when Vapi took it, which is not yet heard. */
export interface CallControl extends AsyncDisposable {
  /** The call's control, if its url is one of Vapi's own; the url is a capability and is kept nowhere else. */
  at(controlUrl: string | undefined): CallLine | undefined;
}

export interface CallLine extends SpeakingLine {
  /** Puts words into the conversation without speaking them; the model is not asked unless `answer`. */
  addMessage(text: string, options?: { answer?: boolean }): Promise<void>;
  transfer(number: string, words?: SpokenWords): Promise<void>;
  endCall(): Promise<void>;
}

/** A url in a request's body must not make this server talk to anything but Vapi. */
const localHosts = new Set(['127.0.0.1', 'localhost']);
/** A caller warned later than this is better not warned. */
const timeoutMs = 5_000;
/** A new connection costs up to 0.4 s; calls last minutes. */
const keepAliveMs = 90_000;

/**
 * Vapi's live call control (`monitor.controlUrl` in every custom-LLM request).
 *
 * @param hosts domains the url may be under, by https; this machine's own, for stand-ins, by http too
 */
export function createCallControl({ hosts, log }: { hosts: string[]; log: Log }): CallControl {
  const agent = new Agent({ keepAliveTimeout: keepAliveMs, keepAliveMaxTimeout: keepAliveMs });

  async function post(url: string, body: object): Promise<void> {
    const response = await request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'holdline' },
      body: JSON.stringify(body),
      dispatcher: agent,
      signal: AbortSignal.timeout(timeoutMs),
    });
    await response.body.dump();
    if (response.statusCode >= 300) throw new Error(`call control answered ${response.statusCode}`);
  }

  return {
    at(controlUrl) {
      if (controlUrl === undefined) return undefined;
      if (!isAllowed(controlUrl, hosts)) {
        log.warn(
          { host: hostOf(controlUrl) },
          'a call control url is not under VAPI_CONTROL_HOSTS; not used',
        );
        return undefined;
      }
      return {
        say: (content) => post(controlUrl, { type: 'say', content, endCallAfterSpoken: false }),
        addMessage: (content, { answer = false } = {}) =>
          post(controlUrl, {
            type: 'add-message',
            message: { role: 'system', content },
            triggerResponseEnabled: answer,
          }),
        transfer: (number, content) =>
          post(controlUrl, {
            type: 'transfer',
            destination: { type: 'number', number },
            ...(content === undefined ? {} : { content }),
          }),
        endCall: () => post(controlUrl, { type: 'end-call' }),
      };
    },
    [Symbol.asyncDispose]: () => agent.close(),
  };
}

function isAllowed(controlUrl: string, hosts: string[]): boolean {
  const url = URL.parse(controlUrl);
  if (url === null || url.username !== '' || url.password !== '') return false;
  const listed = hosts.some((host) => url.hostname === host || url.hostname.endsWith(`.${host}`));
  return listed && (url.protocol === 'https:' || (url.protocol === 'http:' && localHosts.has(url.hostname)));
}

function hostOf(controlUrl: string): string {
  return URL.parse(controlUrl)?.hostname ?? 'no url';
}
