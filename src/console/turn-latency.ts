import type { Sql } from 'postgres';
import { inTenant } from '#storage/postgres.ts';

/** How fast an organization's turns were: per hour, and how they are distributed over all of it. */
export interface TurnLatency {
  hours: { at: Date; turns: number; medianMs: number; slowMs: number }[];
  /** How many turns spoke within so many milliseconds, and after the bound before it; the last one has no bound. */
  distribution: { uptoMs: number | null; turns: number }[];
}

/** From a cached read to what a caller takes for silence. */
const boundsMs = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_000];

/** Reads the turns of the last so many hours; those that said nothing do not count. */
export async function turnLatency(sql: Sql, tenantId: string, hours: number): Promise<TurnLatency> {
  return inTenant(sql, tenantId, async (tx) => {
    // Both from one sorting of the hour's turns.
    const perHour = await tx<{ at: Date; turns: number; ms: [number, number] }[]>`
      select date_trunc('hour', at) as at, count(*)::integer as turns,
        percentile_cont(array[0.5, 0.95]) within group (order by first_word_ms) as ms
      from call_turns
      where tenant_id = ${tenantId} and at > ledger_now() - make_interval(hours => ${hours})
        and first_word_ms is not null
      group by 1 order by 1`;
    const buckets = await tx<{ bucket: number; turns: number }[]>`
      select width_bucket(first_word_ms, ${boundsMs}::double precision[]::real[]) as bucket, count(*)::integer as turns
      from call_turns
      where tenant_id = ${tenantId} and at > ledger_now() - make_interval(hours => ${hours})
        and first_word_ms is not null
      group by 1`;
    const found = new Map(buckets.map(({ bucket, turns }) => [bucket, turns]));
    const distribution = [...boundsMs, null].map((uptoMs, index) => ({
      uptoMs,
      turns: found.get(index) ?? 0,
    }));
    return {
      hours: perHour.map(({ at, turns, ms: [medianMs, slowMs] }) => ({ at, turns, medianMs, slowMs })),
      distribution,
    };
  });
}
