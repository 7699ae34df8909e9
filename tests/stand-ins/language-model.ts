import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';

/** What the stand-in does with one request. */
export interface Reply {
  /** An answer that is no stream. */
  status?: number;
  /** Written one after another: objects as chunks of a stream, text as it stands. */
  pieces?: (object | string)[];
  /** Cuts what is written into pieces of so many bytes. */
  bytesPerWrite?: number;
  /** Waits before the first byte; `Infinity` never answers. */
  silentMs?: number;
  /** Waits for this, too. */
  after?: Promise<unknown>;
  /** Waits after each piece, as a model that talks slowly. */
  everyMs?: number;
  /** Breaks the connection instead of ending. */
  hangUp?: boolean;
  /** Neither ends nor breaks: the client must. */
  staysOpen?: boolean;
}

export interface Asked {
  body: { messages: { role: string; content: unknown }[]; tools?: object[]; model: string };
  /** Resolves when the client has gone before the answer was complete. */
  left: Promise<void>;
}

/** An OpenAI-compatible model that does what a test says, also wrongly, slowly or not at all. */
export interface ModelStandIn extends AsyncDisposable {
  baseUrl: string;
  asked: Asked[];
  /** What the coming requests get, in turn; the last one is repeated. */
  answer(...replies: Reply[]): void;
  /** What each coming request gets, by what the caller said last. */
  answerTo(reply: (lastWords: string) => Reply): void;
  /** Requests that are being answered at this moment: a stream nobody reads any more is an orphan. */
  readonly open: number;
  /** Resolves when none is; a client that keeps one open for longer than a second has forgotten it. */
  quiet(): Promise<void>;
}

export async function startModelStandIn(): Promise<ModelStandIn> {
  let replies: Reply[] = [{ status: 500 }];
  let replyTo: ((lastWords: string) => Reply) | undefined;
  const asked: Asked[] = [];
  let open = 0;
  const server = createServer(async (request, response) => {
    // Whether it has the model; it is asked for passes only.
    if (request.method !== 'POST') {
      response.writeHead(404).end();
      return;
    }
    open += 1;
    response.on('close', () => {
      open -= 1;
    });
    const body = JSON.parse(await read(request)) as Asked['body'];
    const left = new Promise<void>((resolve) => {
      response.on('close', () => {
        if (!response.writableFinished) resolve();
      });
    });
    asked.push({ body, left });
    const inTurn = () => (replies.length > 1 ? replies.shift() : replies[0]);
    const reply = replyTo === undefined ? inTurn() : replyTo(String(body.messages.at(-1)?.content));
    if (reply !== undefined) await give(response, reply);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    answer: (...wanted) => {
      replies = wanted;
      replyTo = undefined;
    },
    answerTo(reply) {
      replyTo = reply;
    },
    get open() {
      return open;
    },
    async quiet() {
      for (let looks = 0; open > 0; looks += 1) {
        if (looks > 100) throw new Error(`${open} requests are still open at the model`);
        await setTimeout(10);
      }
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A chunk with words. */
export function words(content: string): object {
  return {
    id: 'c',
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta: { content }, finish_reason: null }],
  };
}

/** A chunk with a piece of a tool call. */
export function toolPiece(index: number, piece: { id?: string; name?: string; arguments?: string }): object {
  const { id, name, arguments: args } = piece;
  const call = {
    index,
    ...(id === undefined ? {} : { id, type: 'function' }),
    function: { ...(name === undefined ? {} : { name }), arguments: args ?? '' },
  };
  return { choices: [{ index: 0, delta: { tool_calls: [call] }, finish_reason: null }] };
}

export function finish(reason: string): object {
  return { choices: [{ index: 0, delta: {}, finish_reason: reason }] };
}

export const done = 'data: [DONE]\n\n';

/** A pass that calls tools and says nothing. */
export function toolCalls(...calls: [name: string, args: object][]): Reply {
  return {
    pieces: [
      ...calls.map(([name, args], index) =>
        toolPiece(index, { id: `call_${index}`, name, arguments: JSON.stringify(args) }),
      ),
      finish('tool_calls'),
      done,
    ],
  };
}

async function give(response: ServerResponse, reply: Reply): Promise<void> {
  const { status, pieces = [], bytesPerWrite, silentMs = 0, everyMs } = reply;
  const { hangUp = false, staysOpen = false } = reply;
  if (silentMs === Number.POSITIVE_INFINITY) return;
  await setTimeout(silentMs);
  await reply.after;
  if (status !== undefined) {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: { message: 'as the test said', type: 'stand_in' } }));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  for (const piece of pieces) {
    if (response.destroyed) return;
    const text = typeof piece === 'string' ? piece : `data: ${JSON.stringify(piece)}\n\n`;
    const bytes = Buffer.from(text);
    const step = bytesPerWrite ?? bytes.length;
    for (let at = 0; at < bytes.length; at += step) {
      response.write(bytes.subarray(at, at + step));
      if (bytesPerWrite !== undefined) await setImmediateTurn();
    }
    await (everyMs === undefined ? setImmediateTurn() : setTimeout(everyMs));
  }
  if (staysOpen) return;
  if (hangUp) response.destroy();
  else response.end();
}

/** Lets what was written leave on its own. */
function setImmediateTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

async function read(request: IncomingMessage): Promise<string> {
  request.setEncoding('utf8');
  let text = '';
  for await (const piece of request) text += piece;
  return text;
}
