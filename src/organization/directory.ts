import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Sql } from 'postgres';
import { z } from 'zod';
import type { Log } from '#telemetry/log.ts';
import type { Organization, Schedule } from './organization.ts';
import { addressKind, practitionerSettings, settings, usualSchedule } from './settings.ts';

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
  /** The organization a key was made for; revoked and unknown keys give nothing, nor do those that may only see. */
  ofKey(key: string): Organization | undefined;
  /** A key as the console takes it, with its role; revoked and unknown ones give nothing. */
  staffKey(key: string): StaffKey | undefined;
  /** The same by its id: whether a key that somebody signed in with is still there. */
  staffKeyById(id: string): StaffKey | undefined;
  /** The organization under its short name. */
  named(key: string): Organization | undefined;
  /** The organization under the id that every table has; nothing for no id. */
  byId(id: string | undefined): Organization | undefined;
  all(): Organization[];
  /** Reads everything again. Done by itself whenever the tables change. */
  refresh(): Promise<void>;
}

/** A key of an organization's own people. */
export interface StaffKey {
  id: string;
  label: string;
  /** `see`: the console, without changing anything. `edit`: everything of the organization, and its calls' doors. */
  role: KeyRole;
  organization: Organization;
}

export type KeyRole = 'see' | 'edit';

/** Behind a transaction-mode pooler LISTEN hears nothing; then changes are noticed this late. */
const refreshEveryMs = 30_000;

/** Opens the directory and keeps it fresh. A row that cannot be read is logged and left out, the others serve. */
export async function openDirectory({ sql, log }: { sql: Sql; log: Log }): Promise<Directory> {
  let shelf = await readShelf(sql, log);
  let reading: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  // A change that is heard while reading may be one that this reading does not see: another one follows it.
  const refresh = () => {
    next ??= reading
      .catch(() => {})
      .then(() => {
        next = undefined;
        reading = readShelf(sql, log, shelf).then((fresh) => {
          shelf = fresh;
        });
        return reading;
      });
    return next;
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
    ofKey: (key) => {
      const found = shelf.byKeyHash.get(hashOfKey(key));
      return found?.role === 'edit' ? found.organization : undefined;
    },
    staffKey: (key) => shelf.byKeyHash.get(hashOfKey(key)),
    staffKeyById: (id) => shelf.byKeyId.get(id),
    named: (key) => shelf.byName.get(key),
    byId: (id) => shelf.byId.get(id ?? ''),
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
  byKeyHash: Map<string, StaffKey>;
  byKeyId: Map<string, StaffKey>;
  byName: Map<string, Organization>;
  byId: Map<string, Organization>;
}

/** An organization nobody has changed stays the same object: what was made for it elsewhere can be kept. */
async function readShelf(sql: Sql, log: Log, before?: Shelf): Promise<Shelf> {
  const shelf: Shelf = {
    byAddress: new Map(),
    byKeyHash: new Map(),
    byKeyId: new Map(),
    byName: new Map(),
    byId: new Map(),
  };
  const rows = await sql<{ document: unknown }[]>`select organization_directory() as document`;
  for (const { document } of rows) {
    const read = entry.safeParse(document);
    if (!read.success) {
      log.error({ problem: z.prettifyError(read.error) }, 'an organization cannot be read and is not served');
      continue;
    }
    const { keys, ...fresh } = read.data;
    const known = before?.byName.get(fresh.key);
    const organization = isDeepStrictEqual(known, fresh) && known !== undefined ? known : fresh;
    shelf.byName.set(organization.key, organization);
    shelf.byId.set(organization.id, organization);
    for (const { kind, value } of organization.addresses)
      shelf.byAddress.set(`${kind} ${value}`, organization);
    for (const { hash, ...key } of keys) {
      shelf.byKeyHash.set(hash, { ...key, organization });
      shelf.byKeyId.set(key.id, { ...key, organization });
    }
  }
  return shelf;
}

const entry = z.preprocess(
  camelCased,
  settings.extend({
    id: z.uuid(),
    schedule: z.preprocess(withUsual, settings.shape.schedule),
    practitioners: z.array(z.preprocess(camelCased, practitionerSettings.extend({ id: z.uuid() }))),
    addresses: z.array(z.object({ kind: addressKind, value: z.string() })),
    keys: z.array(
      z.object({ id: z.uuid(), label: z.string(), role: z.enum(['see', 'edit']), hash: z.string() }),
    ),
  }),
);

/** What a clinic has not said about its hours is as usual; starts lie as far apart as a slot is long. */
function withUsual(given: unknown): unknown {
  if (typeof given !== 'object' || given === null) return given;
  const { gridMinutes: _, ...usual } = usualSchedule;
  const said: Partial<Schedule> = { ...usual, ...given };
  return { gridMinutes: said.slotMinutes, ...said };
}

/** Columns under the names the source has for them: `spoken_name` becomes `spokenName`. */
function camelCased(row: unknown): unknown {
  if (typeof row !== 'object' || row === null) return row;
  const named = ([column, value]: [string, unknown]) => [
    column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    value,
  ];
  return Object.fromEntries(Object.entries(row).map(named));
}
