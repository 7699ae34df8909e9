import { randomBytes } from 'node:crypto';
import type { Sql } from 'postgres';
import { inTenant } from '#storage/postgres.ts';
import { hashOfKey, type KeyRole } from './directory.ts';

/** A key as it is listed: what it was made for, never what it is. */
export interface KeyRecord {
  id: string;
  label: string;
  role: KeyRole;
  createdAt: Date;
  revokedAt: Date | null;
}

/**
 * Makes a key that opens one organization. It is stored as a hash: whoever is told it now is the only one who has it.
 *
 * @param label what it is for, so that it can be told from others when it is to be revoked
 * @param role `see` opens the console for looking only
 */
export async function makeKey(
  sql: Sql,
  tenantId: string,
  { label, role }: { label: string; role: KeyRole },
): Promise<{ id: string; key: string }> {
  const key = `hk_${randomBytes(32).toString('base64url')}`;
  const [row] = await inTenant(
    sql,
    tenantId,
    (tx) => tx<{ id: string }[]>`
      insert into organization_keys (tenant_id, hash, label, role)
      values (${tenantId}, decode(${hashOfKey(key)}, 'hex'), ${label}, ${role}) returning id`,
  );
  if (row === undefined) throw new Error('the key was not stored');
  return { id: row.id, key };
}

/** An organization's keys, the oldest first, revoked ones too. */
export async function listKeys(sql: Sql, tenantId: string): Promise<KeyRecord[]> {
  const rows = await inTenant(
    sql,
    tenantId,
    (tx) => tx<KeyRecord[]>`
      select id, label, role, created_at as "createdAt", revoked_at as "revokedAt"
      from organization_keys where tenant_id = ${tenantId} order by created_at, id`,
  );
  return [...rows];
}

/** Revokes a key, at once on every process. Repeating it changes nothing. */
export async function revokeKey(
  sql: Sql,
  tenantId: string,
  id: string,
): Promise<{ revoked: true } | { revoked: false; reason: 'unknown_key' }> {
  const rows = await inTenant(
    sql,
    tenantId,
    (tx) => tx`
      update organization_keys set revoked_at = coalesce(revoked_at, ledger_now())
      where tenant_id = ${tenantId} and id = ${id} returning id`,
  );
  return rows.length === 1 ? { revoked: true } : { revoked: false, reason: 'unknown_key' };
}
