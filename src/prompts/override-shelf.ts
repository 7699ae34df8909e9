import type { Sql } from 'postgres';
import type { Log } from '#telemetry/log.ts';
import { checkTemplate, type FitTemplate, problemLine } from './template-check.ts';

/** An organization's template as it stands in the database. */
export interface ServingOverride {
  version: number;
  template: FitTemplate;
}

/** A version that cannot serve, e.g. since a newer release gives its template other variables. */
export interface UnfitOverride {
  /** Key of the organization. */
  organization: string;
  tenantId: string;
  name: string;
  version: number;
  /** Each with its line. */
  problems: string[];
}

/** What organizations say instead of the shipped templates, in memory: a turn asks nobody. */
export interface OverrideShelf extends AsyncDisposable {
  find(tenantId: string, name: string): ServingOverride | undefined;
  /** Those left out; the shipped templates serve in their place. */
  readonly unfit: UnfitOverride[];
  /** Reads one organization's again, or everybody's. Done by itself whenever the table changes. */
  refresh(tenantId?: string): Promise<void>;
}

/** Behind a transaction-mode pooler LISTEN hears nothing; then changes are noticed this late. */
const lookEveryMs = 30_000;

export async function openOverrideShelf({ sql, log }: { sql: Sql; log: Log }): Promise<OverrideShelf> {
  const shelf = new Shelf(sql, log);
  await shelf.refresh();
  const quietly = (work: Promise<void>) => {
    work.catch((error: unknown) => log.warn({ err: error }, 'changed templates could not be read'));
  };
  // What changed while a connection was lost nobody announces again.
  const subscription = await sql.listen(
    'holdline_prompts',
    (tenantId) => quietly(shelf.refresh(tenantId)),
    () => quietly(shelf.refreshIfMissed()),
  );
  const timer = setInterval(() => quietly(shelf.refreshIfMissed()), lookEveryMs);
  timer.unref();
  return {
    find: (tenantId, name) => shelf.find(tenantId, name),
    get unfit() {
      return shelf.unfit;
    },
    refresh: (tenantId) => shelf.refresh(tenantId),
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await subscription.unlisten().catch(() => {});
    },
  };
}

interface Row {
  tenantId: string;
  organization: string;
  name: string;
  version: number;
  text: string;
}

class Shelf {
  readonly #sql: Sql;
  readonly #log: Log;
  /** By tenant id and name. */
  #serving = new Map<string, Map<string, ServingOverride>>();
  #unfit: UnfitOverride[] = [];
  /** Versions there were in the table when all of it was read. */
  #count = -1n;
  /** Readings end in the order in which they began: an older one never covers a newer one. */
  #reading: Promise<void> = Promise.resolve();

  constructor(sql: Sql, log: Log) {
    this.#sql = sql;
    this.#log = log;
  }

  get unfit(): UnfitOverride[] {
    return this.#unfit;
  }

  find(tenantId: string, name: string): ServingOverride | undefined {
    return this.#serving.get(tenantId)?.get(name);
  }

  refresh(tenantId?: string): Promise<void> {
    const reading = this.#reading.catch(() => {}).then(() => this.#read(tenantId));
    this.#reading = reading;
    return reading;
  }

  async refreshIfMissed(): Promise<void> {
    const [row] = await this.#sql<{ count: string }[]>`select prompt_override_count() as count`;
    if (BigInt(row?.count ?? 0) !== this.#count) await this.refresh();
  }

  async #read(tenantId: string | undefined): Promise<void> {
    // Counted before: a version added in between is read again rather than missed.
    const [counted] = await this.#sql<{ count: string }[]>`select prompt_override_count() as count`;
    const rows = await this.#sql<Row[]>`
      select tenant_id as "tenantId", organization, name, version, text
      from prompt_overrides_in_use(${tenantId ?? null})`;
    const before = this.#serving;
    const serving =
      tenantId === undefined ? new Map<string, Map<string, ServingOverride>>() : new Map(before);
    if (tenantId !== undefined) serving.delete(tenantId);
    const unfit =
      tenantId === undefined ? [] : this.#unfit.filter((override) => override.tenantId !== tenantId);
    for (const row of rows) {
      const served = this.#serve(row, before.get(row.tenantId)?.get(row.name));
      if ('problems' in served) {
        unfit.push(served);
        continue;
      }
      const own = serving.get(row.tenantId) ?? new Map<string, ServingOverride>();
      serving.set(row.tenantId, own.set(row.name, served));
    }
    this.#serving = serving;
    this.#tell(unfit);
    this.#unfit = unfit;
    if (tenantId === undefined) this.#count = BigInt(counted?.count ?? 0);
  }

  /** The same object for as long as its version is the same: what was rendered from it stays so. */
  #serve(
    { tenantId, organization, name, version, text }: Row,
    before: ServingOverride | undefined,
  ): ServingOverride | UnfitOverride {
    if (before?.version === version) return before;
    const checked = checkTemplate(name, text);
    if (checked.fit) return { version, template: checked.template };
    const problems = checked.problems.map((problem) => problemLine(name, problem));
    return { organization, tenantId, name, version, problems };
  }

  #tell(unfit: UnfitOverride[]): void {
    for (const override of unfit) {
      const known = this.#unfit.some(
        (one) =>
          one.tenantId === override.tenantId &&
          one.name === override.name &&
          one.version === override.version,
      );
      if (!known)
        this.#log.error(override, 'an organization’s template cannot serve; the shipped one serves instead');
    }
  }
}
