import type { auth, calendar_v3 } from '@googleapis/calendar';
import { type CalendarEvent, readEvent } from './event.ts';
import { type CalendarAnswer, failure } from './failure.ts';

/** What opens an organization's calendars. */
export type Credentials =
  | { kind: 'service-account'; email: string; privateKey: string }
  | { kind: 'oauth'; refreshToken: string };

/** Google as far as an installation speaks with it: signing in, and the calendars behind credentials. */
export interface Google {
  calendars(credentials: Credentials): Calendars;
  /** Where somebody is sent to let us into their calendars. */
  consentUrl(asked: { state: string; codeChallenge: string; redirectUri: string }): string;
  /** Turns the code Google sent back into a refresh token. */
  exchange(given: {
    code: string;
    codeVerifier: string;
    redirectUri: string;
  }): Promise<CalendarAnswer<{ refreshToken: string }>>;
}

/** The calendars one organization's credentials open. */
export interface Calendars {
  /**
   * Everything in a window of time, or what has changed since a sync token was given out. Google expands recurring
   * events; each instance comes as an event of its own.
   *
   * @returns `expired` for a token Google has forgotten: ask for the window again
   */
  changes(calendarId: string, since: Window | { syncToken: string }): Promise<CalendarAnswer<Changes>>;
  /**
   * Makes an event, under an id of ours. When there is one under that id already it tells `exists` and changes
   * nothing.
   */
  insert(calendarId: string, event: OwnEvent): Promise<CalendarAnswer<'made' | 'exists'>>;
  /** The event as it is, or nothing when Google has never seen it. */
  find(calendarId: string, eventId: string): Promise<CalendarAnswer<FoundEvent | undefined>>;
  /** Changes the words of an event; its time stays as it is. */
  reword(calendarId: string, event: OwnEvent): Promise<CalendarAnswer<void>>;
  /** Removes an event; one that is gone already is removed. */
  remove(calendarId: string, eventId: string): Promise<CalendarAnswer<void>>;
  /** Asks Google to tell `address` when a calendar changes. */
  watch(
    calendarId: string,
    channel: { id: string; token: string; address: string },
  ): Promise<CalendarAnswer<Channel>>;
  /** Ends a channel; one that has ended already is ended. */
  stop(channel: { id: string; resourceId: string }): Promise<CalendarAnswer<void>>;
}

export interface Window {
  from: Date;
  to: Date;
}

export interface Changes {
  events: CalendarEvent[];
  /** What to ask with next time. */
  syncToken: string;
  /** Items that could not be read, and were left out. */
  unreadable: number;
}

/** An appointment as Google is told of it. */
export interface OwnEvent {
  id: string;
  summary: string;
  description: string;
  startsAt: Date;
  endsAt: Date;
  /** IANA zone it is shown in. */
  zone: string;
  /** The appointment it stands for: kept with the event, for whoever works on the calendar with tools of their own. */
  appointmentId: string;
}

export interface FoundEvent {
  removed: boolean;
  summary: string;
  description: string;
}

export interface Channel {
  resourceId: string;
  expiresAt: Date;
}

export interface GoogleOptions {
  clientId: string | undefined;
  clientSecret: string | undefined;
  /** Another address than Google's own, e.g. a stand-in's. */
  baseUrl: string | undefined;
}

/** Opens the way to Google. The client library is loaded here, so that a process without calendars does without. */
export async function openGoogle(options: GoogleOptions): Promise<Google> {
  const { auth, calendar } = await import('@googleapis/calendar');
  const base = options.baseUrl?.replace(/\/+$/, '');
  const oauth = () => {
    const client = new auth.OAuth2({
      ...(options.clientId === undefined ? {} : { clientId: options.clientId }),
      ...(options.clientSecret === undefined ? {} : { clientSecret: options.clientSecret }),
      ...(base === undefined ? {} : { endpoints: { oauth2AuthBaseUrl: `${base}/o/oauth2/v2/auth` } }),
    });
    return bounded(client, base);
  };
  return {
    calendars(credentials) {
      const client =
        credentials.kind === 'oauth'
          ? oauth()
          : bounded(
              new auth.JWT({ email: credentials.email, key: credentials.privateKey, scopes: [scope] }),
              base,
            );
      if (credentials.kind === 'oauth') client.setCredentials({ refresh_token: credentials.refreshToken });
      const api = calendar({
        version: 'v3',
        auth: client,
        retry: false,
        ...(base === undefined ? {} : { rootUrl: `${base}/` }),
      });
      return calendarsOf(api);
    },
    consentUrl: ({ state, codeChallenge, redirectUri }) =>
      oauth().generateAuthUrl({
        access_type: 'offline',
        // Without it Google gives a refresh token only the first time.
        prompt: 'consent',
        scope,
        state,
        redirect_uri: redirectUri,
        code_challenge: codeChallenge,
        code_challenge_method: 'S256' as never,
      }),
    async exchange({ code, codeVerifier, redirectUri }) {
      return asked(async () => {
        const { tokens } = await oauth().getToken({ code, codeVerifier, redirect_uri: redirectUri });
        if (!tokens.refresh_token) throw new Error('Google gave no refresh token');
        return { refreshToken: tokens.refresh_token };
      });
    },
  };
}

/** Events only: who may see a calendar is none of our business. */
const scope = 'https://www.googleapis.com/auth/calendar.events';
/** Google itself gives up a request after about this long; nobody on the phone waits for one. */
const requestTimeoutMs = 20_000;
/** The most Google gives at once. */
const pageSize = 2_500;
/** Fifty thousand events in a few months are no practitioner's; more would only fill our memory. */
const pagesMax = 20;
/** Google ends a channel after a week whatever is asked. */
const channelLifetimeSeconds = 7 * 24 * 3_600;
/** Nothing else is read, so nothing else is sent. */
const eventFields =
  'id,status,start,end,transparency,eventType,recurringEventId,attendees(self,responseStatus)';

type OAuthClient = InstanceType<(typeof auth)['OAuth2']>;

/**
 * Every request of a client, those for tokens included, ends in time and is sent once: when to try again is the
 * queue's decision. The token address of service accounts is a constant of the library's.
 */
function bounded<T extends OAuthClient>(client: T, base: string | undefined): T {
  client.transporter.interceptors.request.add({
    async resolved(config) {
      config.timeout = requestTimeoutMs;
      config.retryConfig = { retry: 0, noResponseRetries: 0 };
      if (base !== undefined && config.url.origin !== new URL(base).origin) {
        config.url = new URL(`${base}${config.url.pathname}${config.url.search}`);
      }
      return config;
    },
  });
  return client;
}

async function asked<T>(request: () => Promise<T>): Promise<CalendarAnswer<T>> {
  try {
    return { ok: true, value: await request() };
  } catch (error) {
    return { ok: false, ...failure(error) };
  }
}

function calendarsOf(api: calendar_v3.Calendar): Calendars {
  return {
    changes: (calendarId, since) => asked(() => listChanges(api, calendarId, since)),
    async insert(calendarId, event) {
      const answer = await asked(() => api.events.insert({ calendarId, requestBody: body(event) }));
      if (answer.ok) return { ok: true, value: 'made' };
      return answer.reason === 'exists' ? { ok: true, value: 'exists' } : answer;
    },
    async find(calendarId, eventId) {
      const answer = await asked(() => api.events.get({ calendarId, eventId }));
      if (answer.ok) {
        const { status, summary, description } = answer.value.data;
        return {
          ok: true,
          value: { removed: status === 'cancelled', summary: summary ?? '', description: description ?? '' },
        };
      }
      return answer.reason === 'not-found' ? { ok: true, value: undefined } : answer;
    },
    reword: (calendarId, { id, summary, description }) =>
      asked(async () => {
        await api.events.patch({ calendarId, eventId: id, requestBody: { summary, description } });
      }),
    async remove(calendarId, eventId) {
      const answer = await asked(() => api.events.delete({ calendarId, eventId }));
      if (answer.ok || answer.reason === 'not-found' || answer.reason === 'expired') {
        return { ok: true, value: undefined };
      }
      return answer;
    },
    watch: (calendarId, { id, token, address }) =>
      asked(async () => {
        const params = { ttl: String(channelLifetimeSeconds) };
        const requestBody = { id, token, address, type: 'web_hook', params };
        const { data } = await api.events.watch({ calendarId, requestBody });
        const fallbackMs = Date.now() + channelLifetimeSeconds * 1_000;
        return {
          resourceId: data.resourceId ?? '',
          expiresAt: new Date(data.expiration ? Number(data.expiration) : fallbackMs),
        };
      }),
    async stop({ id, resourceId }) {
      const answer = await asked(() => api.channels.stop({ requestBody: { id, resourceId } }));
      return answer.ok || answer.reason === 'not-found' ? { ok: true, value: undefined } : answer;
    },
  };
}

async function listChanges(
  api: calendar_v3.Calendar,
  calendarId: string,
  since: Window | { syncToken: string },
): Promise<Changes> {
  const wanted =
    'syncToken' in since
      ? { syncToken: since.syncToken }
      : { timeMin: since.from.toISOString(), timeMax: since.to.toISOString() };
  const events: CalendarEvent[] = [];
  let unreadable = 0;
  let pageToken: string | undefined;
  for (let page = 1; page <= pagesMax; page += 1) {
    const { data } = await api.events.list({
      calendarId,
      singleEvents: true,
      maxResults: pageSize,
      fields: `nextPageToken,nextSyncToken,items(${eventFields})`,
      ...wanted,
      ...(pageToken === undefined ? {} : { pageToken }),
    });
    for (const item of data.items ?? []) {
      const event = readEvent(item);
      if (event === undefined) unreadable += 1;
      else events.push(event);
    }
    if (data.nextSyncToken) return { events, syncToken: data.nextSyncToken, unreadable };
    if (!data.nextPageToken) throw new Error('Google ended a list without a sync token');
    pageToken = data.nextPageToken;
  }
  throw new Error(`the calendar has more than ${pageSize * pagesMax} events in the window`);
}

function body(event: OwnEvent): calendar_v3.Schema$Event {
  return {
    id: event.id,
    summary: event.summary,
    description: event.description,
    start: { dateTime: event.startsAt.toISOString(), timeZone: event.zone },
    end: { dateTime: event.endsAt.toISOString(), timeZone: event.zone },
    extendedProperties: { private: { holdlineAppointment: event.appointmentId } },
  };
}
