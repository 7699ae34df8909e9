// The platform's end of a call through a WebSocket door, as the benchmark of the sockets needs it: what is said, what is
// heard, and when the first of it came.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import WebSocket from 'ws';

export type Door = 'retell' | 'relay';

/** One call on a socket of its own. */
export interface SocketCaller {
  /** Says something and hears the answer to its end. A socket that is closed, or an apology, is an error. */
  say(words: string): Promise<{ firstMs: number; text: string }>;
  /** The call ends, as the platform ends one. */
  hangUp(): Promise<void>;
}

/** Retell pings every two seconds. */
const pingEveryMs = 2_000;

export async function callThrough(door: Door, url: string, key: string): Promise<SocketCaller> {
  const base = url.replace('http', 'ws');
  return door === 'retell'
    ? retell(await open(`${base}/retell/${key}/call_${randomUUID()}`))
    : relay(await open(`${base}/twilio/relay/${key}`));
}

function retell(socket: WebSocket): SocketCaller {
  const transcript: { role: 'user' | 'agent'; content: string }[] = [];
  let response_id = 0;
  const tell = (message: object) => socket.send(JSON.stringify(message));
  const ping = setInterval(() => tell({ interaction_type: 'ping_pong', timestamp: Date.now() }), pingEveryMs);
  tell({ interaction_type: 'call_details', call: { direction: 'inbound' } });
  return {
    async say(words) {
      transcript.push({ role: 'user', content: words });
      response_id += 1;
      const heard = hear(socket, (frame) =>
        frame['response_type'] === 'response' && frame['response_id'] === response_id
          ? { words: String(frame['content']), last: frame['content_complete'] === true }
          : undefined,
      );
      tell({ interaction_type: 'response_required', response_id, transcript });
      const answer = await heard;
      transcript.push({ role: 'agent', content: answer.text });
      return answer;
    },
    hangUp() {
      clearInterval(ping);
      return close(socket);
    },
  };
}

async function relay(socket: WebSocket): Promise<SocketCaller> {
  const greeted = hear(socket, token);
  const setup = { type: 'setup', callSid: `CA${randomUUID()}`, to: '+15550100000', direction: 'inbound' };
  socket.send(JSON.stringify(setup));
  await greeted;
  return {
    async say(words) {
      const heard = hear(socket, token);
      socket.send(JSON.stringify({ type: 'prompt', voicePrompt: words, last: true }));
      return heard;
    },
    hangUp: () => close(socket),
  };
}

function token(frame: Record<string, unknown>): { words: string; last: boolean } | undefined {
  return frame['type'] === 'text'
    ? { words: String(frame['token']), last: frame['last'] === true }
    : undefined;
}

function hear(
  socket: WebSocket,
  read: (frame: Record<string, unknown>) => { words: string; last: boolean } | undefined,
): Promise<{ firstMs: number; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ firstMs: number; text: string }>();
  const startedMs = performance.now();
  let firstMs = Number.NaN;
  let text = '';
  const closed = (code: number) => reject(new Error(`a socket was closed: ${code}`));
  const message = (data: Buffer) => {
    const said = read(JSON.parse(data.toString()) as Record<string, unknown>);
    if (said === undefined) return;
    text += said.words;
    if (text !== '' && Number.isNaN(firstMs)) firstMs = performance.now() - startedMs;
    if (!said.last) return;
    socket.off('message', message);
    socket.off('close', closed);
    if (text.trim() === '' || /went wrong/i.test(text)) reject(new Error(`no answer: ${text}`));
    else resolve({ firstMs, text });
  };
  socket.on('message', message);
  socket.once('close', closed);
  return promise;
}

async function open(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url);
  await once(socket, 'open');
  return socket;
}

async function close(socket: WebSocket): Promise<void> {
  socket.close(1000);
  await once(socket, 'close');
}
