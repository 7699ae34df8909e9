import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Vapi's live call control, as far as a call can be spoken to: keeps what it was sent. */
export interface CallControlStandIn extends AsyncDisposable {
  controlUrl: string;
  received: { type: string; [field: string]: unknown }[];
  /** How many connections were opened for it. */
  readonly connections: number;
  /** What the coming requests are answered with. */
  status: number;
}

export async function startCallControl(): Promise<CallControlStandIn> {
  const received: CallControlStandIn['received'] = [];
  let connections = 0;
  const server = createServer(async (request, response) => {
    received.push(JSON.parse(await read(request)));
    response.writeHead(standIn.status, { 'content-type': 'application/json' });
    response.end('{}');
  });
  server.on('connection', () => {
    connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const standIn: CallControlStandIn = {
    controlUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/call-1/control`,
    received,
    status: 200,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return standIn;
}

async function read(request: IncomingMessage): Promise<string> {
  request.setEncoding('utf8');
  let text = '';
  for await (const piece of request) text += piece;
  return text;
}
