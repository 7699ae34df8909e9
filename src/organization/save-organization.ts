import { randomUUID } from 'node:crypto';
import type { JSONValue, Sql, TransactionSql } from 'postgres';
import { inTenant } from '#storage/postgres.ts';
import type { Directory } from './directory.ts';
import type { Organization } from './organization.ts';
import type { OrganizationDocument } from './organization-document.ts';
import { addressesOf } from './organization-file.ts';
import { practitionerSettings, settings } from './settings.ts';

export type SaveOutcome =
  | { saved: true; id: string }
  /** Somebody else has taken the key, or an address, in the meantime. */
  | { saved: false; reason: 'taken'; detail: string };

/**
 * Makes an organization, or writes what its document says over what is there, in one transaction. Practitioners that
 * the document does not name stay: their slots and appointments refer to them.
 *
 * @param current nothing when the organization is to be made
 */
export async function saveOrganization(
  sql: Sql,
  document: OrganizationDocument,
  current: Pick<Organization, 'id'> | undefined,
): Promise<SaveOutcome> {
  const id = current?.id ?? randomUUID();
  try {
    await inTenant(sql, id, async (tx) => {
      const row = columns(tx, document, settings.shape);
      if (current === undefined) await tx`insert into organizations ${tx({ id, ...row } as never)}`;
      else await tx`update organizations set ${tx(row as never)} where id = ${id}`;
      for (const practitioner of document.practitioners) {
        const { key, ...rest } = columns(tx, practitioner, practitionerSettings.shape);
        await tx`
          insert into practitioners ${tx({ tenant_id: id, key, ...rest } as never)}
          on conflict (tenant_id, key) do update set ${tx(rest as never)}`;
      }
      await saveAddresses(tx, id, document);
    });
  } catch (error) {
    if (isTaken(error)) return { saved: false, reason: 'taken', detail: error.detail };
    throw error;
  }
  return { saved: true, id };
}

/** What is wrong with a document's addresses: those that another organization answers to already. */
export function takenAddresses(
  directory: Pick<Directory, 'called'>,
  document: OrganizationDocument,
): string[] {
  return addressesOf(document).flatMap(({ kind, value }) => {
    const name = ({ assistant: 'assistantId', 'phone-number': 'phoneNumberId', dialled: 'dialled' } as const)[
      kind
    ];
    const other = directory.called({ [name]: value });
    return other === undefined || other.key === document.key
      ? []
      : [
          `${value}: belongs to the organization ${other.key}; an address says who was called, so take it away there first`,
        ];
  });
}

async function saveAddresses(tx: TransactionSql, id: string, document: OrganizationDocument): Promise<void> {
  const wanted = addressesOf(document);
  const given = tx.json(wanted as never);
  await tx`
    delete from organization_addresses
    where tenant_id = ${id} and (kind, value) not in (
      select one ->> 'kind', one ->> 'value' from jsonb_array_elements(${given}) as one)`;
  const there = await tx`select kind, value from organization_addresses where tenant_id = ${id}`;
  for (const { kind, value } of wanted) {
    if (there.some((one) => one['kind'] === kind && one['value'] === value)) continue;
    await tx`insert into organization_addresses (tenant_id, kind, value) values (${id}, ${kind}, ${value})`;
  }
}

/** The fields of a document that are columns, under the columns' names; what is absent is left to the ledger. */
function columns(tx: TransactionSql, document: object, shape: object): Record<string, unknown> {
  const given = Object.entries(document).filter(([name, value]) => name in shape && value !== undefined);
  return Object.fromEntries(
    given.map(([name, value]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      jsonColumns.has(name) && value !== null ? tx.json(value as JSONValue) : value,
    ]),
  );
}

/** Lists of words are arrays in the ledger; what has a form of its own is jsonb. */
const jsonColumns = new Set(['schedule', 'weekly', 'specialDays']);

function isTaken(error: unknown): error is { detail: string } {
  return (error as { code?: unknown })?.code === '23505';
}
