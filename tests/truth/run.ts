import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createCarelessModel } from '#model/careless/careless.ts';
import { createDice } from '#model/careless/dice.ts';
import { ownPhrasings, type Phrasing, readPhrasings } from '#model/careless/phrasing.ts';
import { type ClinicAnswers, openTruthClinic, readClinicAnswers } from './clinics.ts';
import { LedgerReader } from './ledger.ts';
import type { TruthPlan } from './plan.ts';
import { type Directed, playCall } from './play.ts';
import { Tally, type TruthReport } from './report.ts';
import { openWorld } from './world.ts';

/** Sentences of one hand, and the text of the clinic they were written about. */
interface PhrasingSet {
  name: string;
  phrasings: ReadonlyMap<string, readonly Phrasing[]>;
  answers: ClinicAnswers;
}

export const truthFolder = join(import.meta.dirname, 'phrasings');
const callsPerClinic = 40;
const reportEveryMs = 15_000;

/** Lets callers talk to the careless model until the turns are had, each judged by the ledger as it then was. */
export async function runTruth(plan: TruthPlan): Promise<TruthReport> {
  const sets = phrasingSets(plan);
  const directed: Directed = { plan: undefined, passes: [] };
  const model = createCarelessModel({
    seed: plan.seed,
    // A second pass finds the results of tools: it says the same sentence again in its own words, and no more.
    direct: (view) => (view.afterTools ? secondPass(directed.plan) : directed.plan),
    onPass: (pass) => directed.passes.push(pass),
  });
  await using world = await openWorld(model, plan.truth, plan.without);
  const tally = new Tally(plan);
  const startedMs = Date.now();
  let toldMs = startedMs;
  const isOver = () =>
    tally.turns >= plan.turns ||
    plan.signal?.aborted === true ||
    (plan.withinMs !== undefined && Date.now() - startedMs > plan.withinMs);
  for (let clinics = 0; !isOver(); clinics += 1) {
    const dice = createDice(`${plan.seed} clinic ${clinics}`);
    const set = dice.pick(sets);
    const clinic = await openTruthClinic(world, dice, { answers: set.answers, truth: plan.truth });
    const ledger = new LedgerReader(world.owner, clinic);
    for (let calls = 0; calls < callsPerClinic && !isOver(); calls += 1) {
      const own = createDice(`${plan.seed} clinic ${clinics} call ${calls}`);
      const language = own.pick(plan.languages);
      const door = own.pick(plan.doors);
      const phrasings = set.phrasings.get(language) ?? [];
      for await (const turn of playCall({
        world,
        directed,
        clinic,
        ledger,
        door,
        language,
        phrasings,
        dice: own,
        manner: plan.manner ?? 'everything',
      })) {
        tally.add(turn);
        if (isOver()) break;
      }
      if (Date.now() - toldMs > reportEveryMs) {
        toldMs = Date.now();
        plan.progress(tally.progress(Math.round((toldMs - startedMs) / 1000)));
      }
    }
  }
  return tally.report(Math.round((Date.now() - startedMs) / 1000));
}

function secondPass(plan: Directed['plan']): Directed['plan'] {
  const { deeds: _, leak: __, ...words } = plan ?? {};
  return words;
}

function phrasingSets({ languages, sets }: TruthPlan): PhrasingSet[] {
  const folders = { own: ownPhrasings, sealed: join(truthFolder, 'sealed') };
  const found = Object.entries(folders).flatMap(([name, folder]) => {
    if (!existsSync(folder) || sets?.includes(name) === false) return [];
    const phrasings = new Map(languages.map((one) => [one, readPhrasings(folder, one)]));
    return [{ name, phrasings, answers: readClinicAnswers(join(truthFolder, name)) }];
  });
  if (found.length === 0) throw new Error('there are no phrasings of the sets that are wanted');
  return found;
}
