import { Ajv } from 'ajv';

/**
 * What Google's Calendar API v3 takes, as far as this project speaks it: path, query and body of each request. Reduced
 * from Google's own description (revision 20260708): names, types, limits and patterns are as they are there, and a
 * name that is not in here is refused, so that a slip of ours is not passed over.
 *
 * @returns what is wrong with a request, or nothing
 */
export function problemOf(operation: string, query: unknown, body: unknown): string | undefined {
  const checks = validators.get(operation);
  if (checks === undefined) return `there is no operation ${operation}`;
  if (!checks.query(query)) return `query: ${ajv.errorsText(checks.query.errors)}`;
  if (!checks.body(body ?? null)) return `body: ${ajv.errorsText(checks.body.errors)}`;
  return undefined;
}

const ajv = new Ajv({ coerceTypes: true, allErrors: true, strict: false });
ajv.addFormat('date', /^\d{4}-\d{2}-\d{2}$/);
ajv.addFormat('date-time', /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/);
ajv.addFormat('int64', /^-?\d+$/);

const text = { type: 'string' };
const yesNo = { type: 'boolean' };
const object = (properties: object, required: string[] = []) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});
const stringMap = { type: 'object', additionalProperties: text };

const eventDateTime = object({
  date: { type: 'string', format: 'date' },
  dateTime: { type: 'string', format: 'date-time' },
  timeZone: text,
});

/** Ids of events are base32hex: a to v and digits, 5 to 1024 of them. */
const eventId = { type: 'string', pattern: '^[a-v0-9]{5,1024}$' };

const eventProperties = {
  id: eventId,
  summary: text,
  description: text,
  location: text,
  start: eventDateTime,
  end: eventDateTime,
  status: { enum: ['confirmed', 'tentative', 'cancelled'] },
  transparency: { enum: ['opaque', 'transparent'] },
  visibility: { enum: ['default', 'public', 'private', 'confidential'] },
  recurrence: { type: 'array', items: text },
  extendedProperties: object({ private: stringMap, shared: stringMap }),
  source: object({ title: text, url: text }),
};

const channel = {
  id: { type: 'string', pattern: '^[A-Za-z0-9\\-_+/=]{1,64}$' },
  type: { enum: ['web_hook', 'webhook'] },
  address: { type: 'string', pattern: '^https://|^http://127\\.0\\.0\\.1:' },
  token: { type: 'string', maxLength: 256 },
  expiration: { type: 'string', format: 'int64' },
  params: stringMap,
  payload: yesNo,
};

const common = { alt: { enum: ['json'] }, fields: text, prettyPrint: yesNo, quotaUser: text };
const writing = { ...common, sendUpdates: { enum: ['all', 'externalOnly', 'none'] } };
const listing = {
  ...common,
  maxResults: { type: 'integer', minimum: 1, maximum: 2500 },
  pageToken: text,
  syncToken: text,
  singleEvents: yesNo,
  showDeleted: yesNo,
  orderBy: { enum: ['startTime', 'updated'] },
  timeMin: { type: 'string', format: 'date-time' },
  timeMax: { type: 'string', format: 'date-time' },
  updatedMin: { type: 'string', format: 'date-time' },
  timeZone: text,
  iCalUID: text,
  q: text,
  eventTypes: { type: 'array', items: text },
  privateExtendedProperty: { type: 'array', items: text },
  sharedExtendedProperty: { type: 'array', items: text },
};

/** "…cannot be specified together with" a sync token, by Google's description. */
const notWithSyncToken = [
  'iCalUID',
  'orderBy',
  'privateExtendedProperty',
  'q',
  'sharedExtendedProperty',
  'timeMin',
  'timeMax',
  'updatedMin',
];

const nothing = { type: 'null' };
const operations: Record<string, { query: object; body: object }> = {
  'events.list': {
    query: {
      ...object(listing),
      dependentSchemas: {
        syncToken: { not: { anyOf: notWithSyncToken.map((name) => ({ required: [name] })) } },
      },
    },
    body: nothing,
  },
  'events.get': { query: object(common), body: nothing },
  'events.insert': { query: object(writing), body: object(eventProperties, ['start', 'end']) },
  'events.patch': { query: object(writing), body: object(eventProperties) },
  'events.delete': { query: object(writing), body: nothing },
  'events.watch': { query: object(listing), body: object(channel, ['id', 'type', 'address']) },
  'channels.stop': {
    query: object(common),
    body: object({ id: channel.id, resourceId: text }, ['id', 'resourceId']),
  },
};

const validators = new Map(
  Object.entries(operations).map(([name, { query, body }]) => [
    name,
    { query: ajv.compile(query), body: ajv.compile(body) },
  ]),
);
