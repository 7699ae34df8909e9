import type { WebSocket } from 'ws';
import { type Events, type LiveEvent, maskedEvent } from '#telemetry/events.ts';
import { closings } from './closings.ts';
import type { OpenSockets } from './open-sockets.ts';
import type { PeerLimits } from './peer.ts';

/** Who watches: what of it they see. */
export interface Viewer {
  /** The one organization they see, or all with the installation's own secret. */
  organizationId: string | undefined;
  /** Whether numbers and names are shown in full. */
  seesPersons: boolean;
}

/** A viewer sends nothing. What it has not read of some seconds of events it will not catch up with. */
const liveLimits: PeerLimits = {
  door: 'live',
  frameBytesMax: 1024,
  messagesPerSecond: 1,
  burst: 1,
  idleMs: null,
  unreadBytesMax: 256 * 1024,
};

/** Events as text, made once for all viewers. */
const texts = new WeakMap<LiveEvent, { full?: string; masked?: string }>();

/** Sends what happens to one viewer until it leaves, or does not read: then it is dropped, and nobody waited. */
export function liveFeed(
  socket: WebSocket,
  { sockets, events, viewer }: { sockets: OpenSockets; events: Events; viewer: Viewer },
): void {
  const stream = events.watch();
  const peer = sockets.admit(socket, `viewers of ${viewer.organizationId ?? 'all'}`, liveLimits, {
    onMessage: () => peer?.close(closings.readOnly),
    onClosed: () => stream[Symbol.dispose](),
  });
  if (peer === undefined) {
    stream[Symbol.dispose]();
    return;
  }
  void (async () => {
    for await (const event of stream) {
      if (!peer.isOpen) return;
      if (event.type === 'missed') peer.send(JSON.stringify(event));
      else if (isFor(viewer, event)) peer.send(textOf(event, viewer.seesPersons));
    }
  })();
}

function isFor({ organizationId }: Viewer, event: LiveEvent): boolean {
  return organizationId === undefined || event.tenantId === organizationId;
}

function textOf(event: LiveEvent, inFull: boolean): string {
  const made = texts.get(event) ?? {};
  texts.set(event, made);
  if (inFull) {
    made.full ??= JSON.stringify(event);
    return made.full;
  }
  made.masked ??= JSON.stringify(maskedEvent(event));
  return made.masked;
}
