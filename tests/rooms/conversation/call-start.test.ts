import postgres from 'postgres';
import { expect, test } from 'vitest';
import { openLedgerDatabase } from '../../ledger-database.ts';
import { announce, Caller, startApp } from '../../running-app.ts';

test('the first booking turn of a call that was announced asks the ledger for no open times', async () => {
  await using database = await openLedgerDatabase();
  await using app = await startApp({ ledgerUrl: database.appUrl });
  await using owner = asOwner(database.ownerUrl);
  using happenings = app.happenings.watch();
  const caller = new Caller(app);
  await announce(app.url, caller.callSid);
  for await (const event of happenings) if (event.type === 'call-started') break;

  // Whoever asks for open times from now on is told that there is no such function.
  await owner.sql`alter function open_slots(uuid, timestamptz, timestamptz) rename to open_slots_away`;
  expect(await caller.say(`${weekdayAhead()}, please.`)).toMatch(/would you like/);
  // A day further away than what was preloaded shows that the function is gone.
  expect(await caller.say('No, in two weeks please.')).toMatch(/cannot reach/);
});

/** A day the demo clinic is open on, among the few that are read ahead, whatever day it is today. */
function weekdayAhead(): string {
  const day = new Date(Date.now() + 2 * 86_400_000);
  const weekday = () => day.toLocaleDateString('en-US', { weekday: 'long', timeZone: 'America/New_York' });
  while (/^S/.test(weekday())) day.setTime(day.getTime() + 86_400_000);
  return weekday();
}

function asOwner(url: string): { sql: postgres.Sql } & AsyncDisposable {
  const sql = postgres(url, { max: 1 });
  return { sql, [Symbol.asyncDispose]: () => sql.end({ timeout: 2 }) };
}
