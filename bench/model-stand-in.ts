// A language model that says forty words or calls a tool, at a given pace, at as little cost as Node allows: bytes are
// made once and written to bare sockets. A process of its own; `pace` in the query of a POST to /pace changes it.
import { createServer, type Socket } from 'node:net';
import { argumentPieces, chunkCount, type Pace, piece, toolArguments, unpaced } from './model-words.ts';

let pace: Pace = unpaced;
let asked = 0;

const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n';
const chunkHead =
  '{"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"stand-in","system_fingerprint":"fp_bench","choices":[{"index":0,"delta":';
const chunkTail = '}]}';

function event(delta: object, finish: string | null = null): string {
  const data = `data: ${chunkHead}${JSON.stringify(delta)},"logprobs":null,"finish_reason":${JSON.stringify(finish)}${chunkTail}\n\n`;
  return httpChunk(data);
}

function httpChunk(data: string): string {
  return `${Buffer.byteLength(data).toString(16)}\r\n${data}\r\n`;
}

const end = `${httpChunk('data: [DONE]\n\n')}0\r\n\r\n`;
const words = [
  Buffer.from(
    `${head}${event({ role: 'assistant', content: '', refusal: null })}${event({ content: piece(0) })}`,
  ),
  ...Array.from({ length: chunkCount - 1 }, (_, n) => Buffer.from(event({ content: piece(n + 1) }))),
  Buffer.from(`${event({}, 'stop')}${end}`),
];

/** A call in so many pieces, the last with the end of the stream. */
function callPieces(name: string, args: object, count: number): Buffer[] {
  const text = JSON.stringify(args);
  const size = Math.ceil(text.length / count);
  const first = { index: 0, id: `call_${asked}`, type: 'function', function: { name, arguments: '' } };
  const pieces = [`${head}${event({ role: 'assistant', content: null, tool_calls: [first] })}`];
  for (let at = 0; at < text.length; at += size) {
    pieces.push(event({ tool_calls: [{ index: 0, function: { arguments: text.slice(at, at + size) } }] }));
  }
  const ended = `${event({}, 'tool_calls')}${end}`;
  if (count === 1) return [Buffer.from(`${pieces.join('')}${ended}`)];
  return [...pieces.slice(0, -1), `${pieces.at(-1)}${ended}`].map((one) => Buffer.from(one));
}

function answer(socket: Socket, body: string): void {
  asked += 1;
  const call = toolArguments(body);
  const pieces = call === undefined ? words : callPieces(call.name, call.args, argumentPieces(pace));
  const apartMs = call === undefined ? pace.apartMs : pace.argumentsApartMs;
  let n = 0;
  const next = () => {
    if (socket.destroyed) return;
    const written = pieces[n];
    if (written === undefined) return;
    socket.write(written);
    n += 1;
    if (apartMs === 0) next();
    else if (n < pieces.length) setTimeout(next, apartMs);
  };
  if (pace.firstMs === 0) next();
  else setTimeout(next, pace.firstMs);
}

const server = createServer({ noDelay: true }, (socket) => {
  let unread = '';
  socket.setEncoding('latin1');
  socket.on('error', () => socket.destroy());
  socket.on('data', (bytes: string) => {
    unread += bytes;
    for (;;) {
      const headEnd = unread.indexOf('\r\n\r\n');
      if (headEnd === -1) return;
      const length = Number(/content-length: *(\d+)/i.exec(unread.slice(0, headEnd))?.[1] ?? 0);
      if (unread.length < headEnd + 4 + length) return;
      const body = unread.slice(headEnd + 4, headEnd + 4 + length);
      const target = unread.slice(0, unread.indexOf('\r\n'));
      unread = unread.slice(headEnd + 4 + length);
      if (target.startsWith('POST /pace')) {
        pace = JSON.parse(body) as Pace;
        socket.write('HTTP/1.1 204 No Content\r\n\r\n');
      } else answer(socket, body);
    }
  });
});
server.listen(0, '127.0.0.1', 4_096, () => {
  const address = server.address();
  if (typeof address === 'object')
    process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${address?.port}` })}\n`);
});
process.once('SIGTERM', () => process.exit(0));
