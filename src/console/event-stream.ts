import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { securityHeaders } from './pages.ts';

/** An answer that is written event by event, until one side ends it. */
export interface EventWriter {
  /** Aborts when the page that reads it goes away. */
  signal: AbortSignal;
  send(event: { type: string } & Record<string, unknown>): void;
  end(): void;
}

/** A page that reads nothing while this much waits for it is gone. */
const unreadBytesMax = 1024 * 1024;

/** Begins a stream of server-sent events; from here on it is written by hand. */
export function streamEvents(reply: FastifyReply): EventWriter {
  reply.hijack();
  const response = reply.raw;
  response.writeHead(200, {
    ...securityHeaders,
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();
  return {
    signal: pageLeft(response),
    send(event) {
      if (response.destroyed || response.writableEnded) return;
      response.write(`data: ${JSON.stringify(event)}\n\n`);
      if (response.writableLength > unreadBytesMax) response.destroy();
    },
    end: () => void response.end(),
  };
}

function pageLeft(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => controller.abort(new DOMException('the page left', 'AbortError')));
  return controller.signal;
}
