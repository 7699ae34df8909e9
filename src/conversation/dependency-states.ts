import type { Sql } from 'postgres';
import type { LanguageModel } from '#model/language-model.ts';
import type { Prompts } from '#prompts/templates.ts';
import type { Store } from '#storage/store.ts';

/** A dependency of a turn's, whether it serves, and how it is in a few words. */
export interface DependencyState {
  name: 'ledger' | 'cache' | 'prompts' | 'model';
  ok: boolean;
  state: string;
}

/** A ledger that takes longer is of no use to a caller. */
const ledgerDeadlineMs = 2_000;

/** How everything is that a turn needs. Without the ledger nobody can be helped; all else can be done without. */
export async function dependencyStates({
  sql,
  store,
  prompts,
  model,
}: {
  sql: Sql;
  store: Store;
  prompts: Prompts;
  model: LanguageModel;
}): Promise<DependencyState[]> {
  const ledger = await Promise.race([
    sql`select 1`.then(
      () => 'ok',
      () => 'unreachable',
    ),
    new Promise<string>((resolve) => setTimeout(resolve, ledgerDeadlineMs, 'slow').unref()),
  ]);
  const cache = store.available ? 'ok' : 'left out until it answers';
  return [
    { name: 'ledger', ok: ledger === 'ok', state: ledger },
    { name: 'cache', ok: store.available, state: cache },
    { name: 'prompts', ok: prompts.problem === undefined, state: prompts.problem ?? 'ok' },
    { name: 'model', ok: true, state: model.name },
  ];
}
