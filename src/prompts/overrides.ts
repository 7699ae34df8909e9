import type { Sql } from 'postgres';
import { inTenant } from '#storage/postgres.ts';
import { checkTemplate, type TemplateProblem } from './template-check.ts';

/** One version of what an organization says instead of the shipped template. Versions are added, never changed. */
export interface OverrideVersion {
  /** 1, 2, … per organization and template. */
  version: number;
  /** `null`: from this version on the shipped template is used again. */
  text: string | null;
  author: string;
  note: string;
  createdAt: Date;
}

/** Which template of which organization. */
export interface OverrideKey {
  tenantId: string;
  /** E.g. `system` or `speech/en/offered`. */
  name: string;
}

export interface OverrideChange {
  /** `null` goes back to the shipped template. */
  text: string | null;
  author: string;
  note: string;
  /** The version the editor began with, 0 for none: another one in the meantime is not overwritten. */
  basedOn?: number | undefined;
}

export type Changed =
  | { changed: true; version: number }
  | { changed: false; reason: 'unfit'; problems: TemplateProblem[] }
  /** Somebody else was faster; `version` is theirs. */
  | { changed: false; reason: 'overtaken'; version: number }
  | { changed: false; reason: 'no_such_version' };

/** Nobody scrolls further; older versions can still be rolled back to by their number. */
const historyMax = 100;
/** Two editors at once are rare; more than this many in a row lost to others is a machine. */
const attemptsMax = 5;

/** The newest version of each template the organization ever changed, those that went back to shipped among them. */
export async function currentOverrides(
  sql: Sql,
  tenantId: string,
): Promise<(OverrideVersion & { name: string })[]> {
  const rows = await inTenant(
    sql,
    tenantId,
    (tx) => tx<(OverrideVersion & { name: string })[]>`
      select distinct on (name) name, version, text, author, note, created_at as "createdAt"
      from prompt_overrides where tenant_id = ${tenantId} order by name, version desc`,
  );
  return [...rows];
}

/** The versions of one template, the newest first; empty when the organization never changed it. */
export async function overrideHistory(sql: Sql, { tenantId, name }: OverrideKey): Promise<OverrideVersion[]> {
  const rows = await inTenant(
    sql,
    tenantId,
    (tx) => tx<OverrideVersion[]>`
      select version, text, author, note, created_at as "createdAt"
      from prompt_overrides where tenant_id = ${tenantId} and name = ${name}
      order by version desc limit ${historyMax}`,
  );
  return [...rows];
}

/** Adds a version. Every process uses it from its next turn on; a text that is not fit is refused. */
export async function changeOverride(sql: Sql, key: OverrideKey, change: OverrideChange): Promise<Changed> {
  if (change.text !== null) {
    const checked = checkTemplate(key.name, change.text);
    if (!checked.fit) return { changed: false, reason: 'unfit', problems: checked.problems };
  }
  return insertVersion(sql, key, change);
}

/** Makes an earlier version the newest again; 0 is the shipped template. */
export async function rollBackOverride(
  sql: Sql,
  key: OverrideKey,
  { toVersion, author, note }: { toVersion: number; author: string; note: string },
): Promise<Changed> {
  if (toVersion === 0) return changeOverride(sql, key, { text: null, author, note });
  const { tenantId, name } = key;
  const [earlier] = await inTenant(
    sql,
    tenantId,
    (tx) => tx<{ text: string | null }[]>`
      select text from prompt_overrides
      where tenant_id = ${tenantId} and name = ${name} and version = ${toVersion}`,
  );
  if (earlier === undefined) return { changed: false, reason: 'no_such_version' };
  return changeOverride(sql, key, { text: earlier.text, author, note });
}

async function insertVersion(
  sql: Sql,
  { tenantId, name }: OverrideKey,
  { text, author, note, basedOn }: OverrideChange,
): Promise<Changed> {
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await inTenant(sql, tenantId, async (tx) => {
      const [latest] = await tx<{ version: number }[]>`
        select coalesce(max(version), 0) as version from prompt_overrides
        where tenant_id = ${tenantId} and name = ${name}`;
      const newest = latest?.version ?? 0;
      if (basedOn !== undefined && basedOn !== newest) return { overtakenBy: newest };
      const [added] = await tx<{ version: number }[]>`
        insert into prompt_overrides (tenant_id, name, version, text, author, note)
        values (${tenantId}, ${name}, ${newest + 1}, ${text}, ${author}, ${note})
        on conflict do nothing returning version`;
      return added ?? { overtakenBy: newest + 1 };
    });
    if ('version' in outcome) return { changed: true, version: outcome.version };
    // Whoever did not say what they began with wants to be the last one, whatever came before.
    if (basedOn !== undefined || attempt === attemptsMax)
      return { changed: false, reason: 'overtaken', version: outcome.overtakenBy };
  }
}
