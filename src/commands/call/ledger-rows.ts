import { openCommandStores } from '#commands/stores.ts';
import { type CallRecord, callRecord } from '#console/call-record.ts';
import { openDirectory } from '#organization/directory.ts';
import type { Log } from '#telemetry/log.ts';
import { CallProblem } from './call-problem.ts';

/** What the ledger says about the call that is being played. */
export interface LedgerRows extends AsyncDisposable {
  read(): Promise<CallRecord>;
}

/** Opens the ledger beside the running server; which clinic was called is found as the server finds it. */
export async function openLedgerRows(callSid: string, log: Log): Promise<LedgerRows> {
  await using opening = new AsyncDisposableStack();
  const { sql } = opening.use(await openCommandStores({ log }));
  const directory = opening.use(await openDirectory({ sql, log }));
  const called = directory.called({ assistantId: 'demo-clinic', dialled: '+15550100000' });
  if (!called) throw new CallProblem('This ledger has no demo clinic. Make one with "npm run seed-demo".');
  const opened = opening.move();
  return {
    read: () => callRecord(sql, called.id, callSid),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
