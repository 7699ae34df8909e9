import { type Events, maskedEvent } from '#telemetry/events.ts';
import { streamEvents } from './event-stream.ts';
import { type AddRoute, Refusal, written } from './route.ts';

/** Watching pages of one process; each holds a connection. */
const pagesMax = 200;
/** Proxies close a connection on which nothing was sent for a minute. */
const heartbeatEveryMs = 25_000;

/**
 * What happens now, to the organization alone: the events of the live feed, names and numbers masked. By this cookie
 * and as server-sent events; whoever has a key and no browser takes the socket.
 */
export function liveRoutes(
  add: AddRoute,
  { happenings, stopping }: { happenings: Events; stopping: AbortSignal },
): void {
  let pages = 0;
  add({
    method: 'GET',
    path: '/live',
    summary: 'What happens now, event by event',
    role: 'see',
    answer: null,
    async handle({ organization, stillOpen, reply }) {
      if (pages >= pagesMax) return new Refusal(429, 'too many pages are watching; close some');
      pages += 1;
      const page = streamEvents(reply);
      using watching = happenings.watch();
      const end = () => watching[Symbol.dispose]();
      AbortSignal.any([page.signal, stopping]).addEventListener('abort', end, { once: true });
      const heartbeat = setInterval(() => {
        // Signed out, ended, or its key revoked meanwhile.
        if (stillOpen()) page.send({ type: 'heartbeat' });
        else end();
      }, heartbeatEveryMs);
      page.send({ type: 'watching' });
      try {
        for await (const event of watching) {
          if (event.type === 'missed') page.send({ ...event });
          else if (event.tenantId === organization.id) page.send({ ...maskedEvent(event) });
        }
      } finally {
        clearInterval(heartbeat);
        pages -= 1;
        page.end();
      }
      return written;
    },
  });
}
