import { createHash } from 'node:crypto';
import type { Sql } from 'postgres';
import { z } from 'zod';
import type { Log } from '#telemetry/log.ts';
import type { Organization } from './organization.ts';

/** How a call names the clinic that was called; any one of them is enough. */
export interface Addresses {
  assistantId?: string | undefined;
  phoneNumberId?: string | undefined;
  /** E.164 number that was dialled. */
  dialled?: string | undefined;
}

/** Every organization, in memory: finding out who was called costs a turn nothing. */
export interface Directory extends AsyncDisposable {
  /** The organization called, by assistant, then phone-number id, then dialled number. */
  called(addresses: Addresses): Organization | undefined;
  /** The organization a key was made for; revoked and unknown keys give nothing. */
  ofKey(key: string): Organization | undefined;
  named(key: string): Organization | undefined;
  all(): Organization[];
  /** Reads everything again. Done by itself whenever the tables change. */
  refresh(): Promise<void>;
}

/** Behind a transaction-mode pooler LISTEN hears nothing; then changes are noticed this late. */
const refreshEveryMs = 30_000;

/** Opens the directory and keeps it fresh. A row that cannot be read is logged and left out, the others serve. */
export async function openDirectory({ sql, log }: { sql: Sql; log: Log }): Promise<Directory> {
  let shelf = await readShelf(sql, log);
  let reading: Promise<void> | undefined;
  const refresh = () => {
    reading ??= readShelf(sql, log)
      .then((fresh) => {
        shelf = fresh;
      })
      .finally(() => {
        reading = undefined;
      });
    return reading;
  };
  const refreshQuietly = () => {
    refresh().catch((error: unknown) => log.warn({ err: error }, 'organizations could not be read again'));
  };
  const subscription = await sql.listen('holdline_directory', refreshQuietly);
  const timer = setInterval(refreshQuietly, refreshEveryMs);
  timer.unref();

  return {
    called: ({ assistantId, phoneNumberId, dialled }) =>
      shelf.byAddress.get(`assistant ${assistantId}`) ??
      shelf.byAddress.get(`phone-number ${phoneNumberId}`) ??
      shelf.byAddress.get(`dialled ${dialled}`),
    ofKey: (key) => shelf.byKeyHash.get(hashOfKey(key)),
    named: (key) => shelf.byName.get(key),
    all: () => [...shelf.byName.values()],
    refresh,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await subscription.unlisten().catch(() => {});
    },
  };
}

/** Hex SHA-256: what is stored of an organization's key, which is itself 256 random bits. */
export function hashOfKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

interface Shelf {
  byAddress: Map<string, Organization>;
  byKeyHash: Map<string, Organization>;
  byName: Map<string, Organization>;
}

async function readShelf(sql: Sql, log: Log): Promise<Shelf> {
  const shelf: Shelf = { byAddress: new Map(), byKeyHash: new Map(), byName: new Map() };
  const rows = await sql<{ document: unknown }[]>`select organization_directory() as document`;
  for (const { document } of rows) {
    const read = entry.safeParse(document);
    if (!read.success) {
      log.error({ problem: z.prettifyError(read.error) }, 'an organization cannot be read and is not served');
      continue;
    }
    const { keys, ...organization } = read.data;
    shelf.byName.set(organization.key, organization);
    for (const { kind, value } of organization.addresses)
      shelf.byAddress.set(`${kind} ${value}`, organization);
    for (const { hash } of keys) shelf.byKeyHash.set(hash, organization);
  }
  return shelf;
}

const clock = z.string().regex(/^([01]\d|2[0-4]):[0-5]\d$/);
const stretches = z.array(z.object({ from: clock, to: clock }));
const weekday = z.enum(['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday']);
const weekly = z.partialRecord(weekday, stretches);

const schedule = z.object({
  weekly,
  specialDays: z.array(z.object({ date: z.iso.date(), open: stretches, note: z.string().optional() })),
  slotMinutes: z.int().positive(),
  gridMinutes: z.int().positive(),
  bufferMinutes: z.int().nonnegative(),
  minimumNoticeMinutes: z.int().nonnegative(),
  horizonDays: z.int().positive(),
});

const practitioner = z.object({
  id: z.uuid(),
  key: z.string(),
  name: z.string(),
  spokenName: z.string(),
  weekly: weekly.nullable(),
});

const entry = z.preprocess(
  camelCased,
  z.object({
    id: z.uuid(),
    key: z.string(),
    name: z.string(),
    zone: z.string().refine(isZone, 'is not an IANA time zone'),
    country: z.string(),
    languages: z.array(z.string()).nonempty(),
    receptionistName: z.string(),
    humanNumber: z.string().nullable(),
    vapiPrompt: z.enum(['append', 'ignore']),
    model: z.enum(['holdline', 'platform']),
    releaseOnHangUp: z.boolean(),
    schedule,
    practitioners: z.array(z.preprocess(camelCased, practitioner)),
    addresses: z.array(
      z.object({ kind: z.enum(['assistant', 'phone-number', 'dialled']), value: z.string() }),
    ),
    keys: z.array(z.object({ hash: z.string() })),
  }),
);

/** Columns under the names the source has for them: `spoken_name` becomes `spokenName`. */
function camelCased(row: unknown): unknown {
  if (typeof row !== 'object' || row === null) return row;
  const named = ([column, value]: [string, unknown]) => [
    column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    value,
  ];
  return Object.fromEntries(Object.entries(row).map(named));
}

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}
