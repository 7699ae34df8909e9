import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * Stands between a client and a server and cuts a connection at one chosen request: either the request never arrives,
 * or it arrives and its answer does not.
 */
export interface CuttingProxy extends AsyncDisposable {
  readonly port: number;
  /** From now on, cut at the n-th piece a client sends, on whichever connection, the first being 1; and at those after. */
  arm(n: number, lost: 'request' | 'answer', times?: number): void;
  /** Whether all cuts have been made; pieces after them pass. */
  readonly cut: boolean;
  disarm(): void;
}

export async function startCuttingProxy(target: { host: string; port: number }): Promise<CuttingProxy> {
  let armed: { left: number; lost: 'request' | 'answer'; times: number } | undefined;
  let cut = false;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target);
    let withhold = false;
    const end = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', () => {
        open.delete(socket);
        end();
      });
    }
    client.on('data', (piece) => {
      if (armed !== undefined) {
        armed.left -= 1;
        if (armed.left <= 0) {
          const { lost } = armed;
          armed.times -= 1;
          cut = armed.times === 0;
          if (cut) armed = undefined;
          if (lost === 'request') return end();
          withhold = true;
        }
      }
      upstream.write(piece);
    });
    upstream.on('data', (piece) => {
      if (withhold) end();
      else client.write(piece);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    arm(n, lost, times = 1) {
      armed = { left: n, lost, times };
      cut = false;
    },
    get cut() {
      return cut;
    },
    disarm() {
      armed = undefined;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
