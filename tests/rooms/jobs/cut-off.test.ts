import { expect, test } from 'vitest';
import { startCuttingProxy } from '../../stand-ins/cutting-proxy.ts';
import { openTextClinic } from '../../text-clinic.ts';

/** More than a text takes; a loop that gets here has not ended by itself. */
const pointsMax = 60;

/**
 * One worker sends text after text through proxies, and is cut off at the first request it makes for the first text,
 * at the second for the second, and so on until a text needs no request that was not cut off once. A cut can be followed
 * by more, at the requests that come next.
 */
test.each([
  ['ledger', 1],
  ['twilio', 1],
  // The looking after a lost sending is cut off too, and the next.
  ['twilio', 2],
  ['twilio', 3],
] as const)(
  'cut off at every request to %s, %d at a time: every message goes out, none twice',
  async (where, times) => {
    await using place = await openTextClinic({
      texts_per_day_max: null,
      holds_per_number_and_day_max: null,
    });
    const ledger = new URL(place.clinic.database.appUrl);
    await using ledgerProxy = await startCuttingProxy({ host: ledger.hostname, port: Number(ledger.port) });
    await using twilioProxy = await startCuttingProxy({
      host: '127.0.0.1',
      port: Number(new URL(place.twilio.url).port),
    });
    const proxy = where === 'ledger' ? ledgerProxy : twilioProxy;
    ledger.port = String(ledgerProxy.port);
    await using _ = await place.startWorker({
      ledgerUrl: ledger.href,
      twilioUrl: `http://127.0.0.1:${twilioProxy.port}`,
      // So that nearly all that passes is about the text.
      pollIntervalMs: 3_000,
      tendEveryMs: 1_000,
    });

    let runs = 0;
    const points: string[] = [];
    for (const lost of ['request', 'answer'] as const) {
      for (let n = 1; n <= pointsMax; n += 1) {
        runs += 1;
        const number = `+1212556${1_000 + runs}`;
        await place.book(number);
        await place.owner`delete from text_messages where number = ${number} and wording = 'reminder'`;
        await place.owner`delete from graphile_worker._private_jobs where key like '%/reminder'`;
        proxy.arm(n, lost, times);
        await place.untilQuiet();
        const cut = proxy.cut;
        proxy.disarm();
        if (!cut) break;
        points.push(`${lost} ${n}`);
        const point = `${where}, ${lost} ${n} lost`;
        expect(
          place.twilio.accepted.filter(({ to }) => to === number),
          point,
        ).toHaveLength(1);
        const texts = (await place.texts()).filter((text) => text.number === number);
        expect(
          texts.map(({ status }) => status),
          point,
        ).toEqual(['sent']);
      }
    }
    expect(place.twilio.misfits).toEqual([]);
    // Both ways of losing each of at least: taking the job, reading, beginning, ending, finishing it; or the sending.
    expect(points.length).toBeGreaterThanOrEqual(where === 'ledger' ? 10 : 2);
    expect(points.length).toBeLessThan(pointsMax);
  },
  120_000,
);
