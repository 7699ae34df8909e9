import websocket from '@fastify/websocket';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import type { Conversation } from '#conversation/conversation.ts';
import { answerError } from '#http/error-answer.ts';
import type { Organization } from '#organization/organization.ts';
import type { Events } from '#telemetry/events.ts';
import { isAllowedFrom } from './allowed-address.ts';
import { closings } from './closings.ts';
import { liveFeed, type Viewer } from './live-feed.ts';
import { createOpenSockets, type OpenSockets } from './open-sockets.ts';
import type { PeerEvents, PeerLimits } from './peer.ts';
import { RelayCall, type RelayParts, relayLimits } from './relay.ts';
import { relayTwiml } from './relay-twiml.ts';
import { RetellCall, type RetellParts, retellLimits } from './retell.ts';
import type { SocketCallParts } from './socket-call.ts';
import { createSocketCalls } from './socket-calls.ts';
import { createWho, type Who, type WhoParts } from './who.ts';

export type DoorParts = SocketCallParts &
  WhoParts &
  Pick<Conversation, 'listenAhead' | 'speak'> & {
    happenings: Events;
    /** Smaller for tests. */
    socketLimits?: { perOrganization?: number; checkEveryMs?: number; backMs?: number } | undefined;
  };

/** The largest frame any door takes; each has its own limit below it. */
const frameBytesMax = 1024 * 1024;
/** How long turns may still speak when the server stops, before their sockets are closed. */
const drainMs = 5_000;
/** An id of a call, as the ledger keeps it. */
const callSidPattern = /^[\w:.+-]{1,200}$/;

/**
 * The WebSocket doors: Retell's, Twilio's relay, the live feed. Whoever may not in is refused before the upgrade, with
 * an HTTP status. When the server stops, running turns end first, and every peer is told to connect again.
 */
export function socketDoors(app: FastifyInstance, parts: DoorParts): void {
  const { perOrganization: perOrganizationMax, checkEveryMs: everyMs, backMs } = parts.socketLimits ?? {};
  const sockets = createOpenSockets({ perOrganizationMax, everyMs });
  const calls = createSocketCalls(parts, { backMs });
  app.register(websocket, {
    options: { maxPayload: frameBytesMax, clientTracking: false },
    errorHandler: (error, socket) => {
      // What breaks a frame's rules has a code and is closed by the engine; a log line for each is a gift to its sender.
      if ('code' in error) return;
      parts.log.error({ err: error }, 'a socket could not be served');
      socket.close(closings.fault.code, closings.fault.reason);
    },
    preClose(done) {
      void calls.quiet(drainMs).then(() => {
        sockets.closeAll(closings.restarting);
        sockets[Symbol.dispose]();
        done();
      });
    },
  });
  const who = createWho(parts);
  const { directory, speak, happenings, listenAhead, log } = parts;
  const call = {
    calls,
    listenAhead,
    log,
    greeting: (organization: Organization) => speak('opening', organization),
    dialled: (number: string) => directory.called({ dialled: number }),
    unknownOrganization: () => speak('unknown-organization'),
    noHuman: (organization: Organization | undefined) => speak('no-human', organization),
  };
  app.register((scope, _options, done) => {
    callDoors(scope, { call, who, sockets });
    liveDoor(scope, { happenings, who, sockets });
    done();
  });
  relayTwiml(app, { ...call, who });
}

interface Around {
  who: Who;
  sockets: OpenSockets;
}

function callDoors(
  app: FastifyInstance,
  { call, who, sockets }: Around & { call: RetellParts & RelayParts },
): void {
  const opened = new WeakMap<FastifyRequest, Organization>();
  const byKey = async (request: FastifyRequest, reply: FastifyReply) => {
    const { key = '' } = request.params as { key?: string };
    const organization = who.organizationOf(key);
    if (organization === undefined)
      return answerError(reply, 401, 'the key in the url opens no organization');
    if (!isAllowedFrom(organization, request.ip)) {
      const from = { organization: organization.key, ip: request.ip };
      call.log.warn(from, 'a socket from an address its organization does not list');
      return answerError(reply, 403, 'this address is not among those the organization allows');
    }
    opened.set(request, organization);
    return undefined;
  };
  const admitting = (socket: WebSocket, whose: string, limits: PeerLimits) => (events: PeerEvents) =>
    sockets.admit(socket, whose, limits, events);
  const relay = (socket: WebSocket, organization: Organization | undefined) =>
    new RelayCall(call, {
      organization,
      admit: admitting(socket, organization?.id ?? 'not set up yet', relayLimits),
      claim: (peer, { id }) => sockets.move(peer, id),
    });

  app.get('/retell/:key/:callId', { websocket: true, preValidation: byKey }, (socket, request) => {
    const { callId: callSid } = request.params as { callId: string };
    const organization = opened.get(request);
    if (organization === undefined || !callSidPattern.test(callSid)) {
      socket.close(closings.outOfOrder.code, closings.outOfOrder.reason);
      return;
    }
    const admit = admitting(socket, organization.id, retellLimits);
    new RetellCall(call, { organization, callSid, admit });
  });
  const signed = async (request: FastifyRequest, reply: FastifyReply) =>
    who.isTwilios(request, {})
      ? undefined
      : answerError(reply, 403, 'the handshake is not signed by Twilio for this url');
  app.get('/twilio/relay', { websocket: true, preValidation: signed }, (socket) => {
    relay(socket, undefined);
  });
  // A look-alike that signs nothing brings a key.
  app.get('/twilio/relay/:key', { websocket: true, preValidation: byKey }, (socket, request) => {
    relay(socket, opened.get(request));
  });
}

function liveDoor(
  app: FastifyInstance,
  { happenings: events, who, sockets }: Around & { happenings: Events },
): void {
  const viewers = new WeakMap<FastifyRequest, Viewer>();
  const mayWatch = async (request: FastifyRequest, reply: FastifyReply) => {
    const viewer = who.viewerOf(request);
    if (viewer === undefined) return answerError(reply, 401, 'send a key as "Authorization: Bearer …"');
    viewers.set(request, viewer);
    return undefined;
  };
  app.get('/live', { websocket: true, preValidation: mayWatch }, (socket, request) => {
    const viewer = viewers.get(request);
    if (viewer !== undefined) liveFeed(socket, { sockets, events, viewer });
  });
}
