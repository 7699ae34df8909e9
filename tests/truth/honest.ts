import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { createCarelessModel, utteranceOf } from '#model/careless/careless.ts';
import { createDice, type Dice } from '#model/careless/dice.ts';
import type { CarelessPlan } from '#model/careless/own-plan.ts';
import { valueSpeech } from '#model/careless/spoken-values.ts';
import { openTruthClinic, readClinicAnswers, type TruthClinic } from './clinics.ts';
import { ring, type TruthDoor, type TruthDoorName } from './doors.ts';
import { wordsOf } from './heard.ts';
import { type CallLedger, LedgerReader } from './ledger.ts';
import type { Directed } from './play.ts';
import { truthFolder } from './run.ts';
import { book, hold, lookAt } from './ways.ts';
import { openWorld, type World } from './world.ts';

/** Something a careful model says, which the gate has no reason to withhold. */
type HonestLine = z.output<typeof honestLine>;

export interface HonestReport {
  lines: number;
  /** Of each kind and language: how many there are, and how many did not reach the ear whole. */
  counts: Record<string, { said: number; withheld: number }>;
  shares: Record<HonestLine['kind'], number>;
  withheld: {
    set: string;
    kind: string;
    language: string;
    step: string;
    caller: string;
    says: string;
    heard: string;
  }[];
}

export interface HonestPlan {
  languages: readonly string[];
  doors: readonly TruthDoorName[];
  truth: 'enforce' | 'watch';
  sets?: readonly string[];
  progress(line: string): void;
}

/** At most so many of each kind may be withheld, as a share. */
export const withheldMax: HonestReport['shares'] = { question: 0.01, 'small-talk': 0.01, answer: 0.04 };

const honestLine = z.strictObject({
  kind: z.enum(['question', 'small-talk', 'answer']),
  step: z.enum(['greeting', 'offered', 'held', 'booked']),
  caller: z.string(),
  says: z.string(),
});

/** A call is taken up anew after so many lines: the history of a long one is not what is tried here. */
const linesPerCall = 6;

/** Has each honest sentence said in a call at its step, and counts those that did not reach the ear. */
export async function runHonest(plan: HonestPlan): Promise<HonestReport> {
  const directed: Directed = { plan: undefined, passes: [] };
  const clinics: Clinics = new Map();
  const model = createCarelessModel({ seed: 1, direct: () => directed.plan });
  await using world = await openWorld(model, plan.truth);
  const report: HonestReport = {
    lines: 0,
    counts: {},
    shares: { question: 0, 'small-talk': 0, answer: 0 },
    withheld: [],
  };
  for (const set of ['own', 'sealed'].filter((one) => plan.sets?.includes(one) ?? true)) {
    const folder = join(truthFolder, set);
    for (const language of plan.languages) {
      const lines = readHonest(folder, language);
      for (const [index, group] of groupsOf(lines).entries()) {
        const dice = createDice(`${set} ${language} ${index}`);
        const clinic = await clinicFor(clinics, { world, dice, folder, truth: plan.truth });
        const call = {
          world,
          directed,
          clinic,
          dice,
          language,
          door: plan.doors[index % plan.doors.length] ?? 'vapi',
        };
        for await (const { line, says, heard } of sayAll(group, call))
          note(report, { set, language, line, says, heard });
      }
      plan.progress(`${set} ${language}: ${lines.length} lines, ${report.withheld.length} withheld by now`);
    }
  }
  for (const kind of ['question', 'small-talk', 'answer'] as const) {
    const counts = Object.entries(report.counts).flatMap(([key, count]) =>
      key.startsWith(`${kind} `) ? [count] : [],
    );
    const said = counts.reduce((sum, one) => sum + one.said, 0);
    report.shares[kind] = said === 0 ? 0 : counts.reduce((sum, one) => sum + one.withheld, 0) / said;
  }
  return report;
}

export function honestLines(report: HonestReport, { shown = 40 } = {}): string[] {
  return [
    `${report.lines} honest sentences`,
    ...Object.entries(report.counts).map(
      ([key, { said, withheld }]) =>
        `${key.padEnd(16)} ${withheld} of ${said} withheld (${percent(withheld / said)})`,
    ),
    ...Object.entries(report.shares).map(([kind, share]) => `all ${kind}: ${percent(share)} withheld`),
    ...report.withheld
      .slice(0, shown)
      .map(
        ({ kind, language, step, caller, says, heard }) =>
          `WITHHELD (${kind}, ${language}, ${step}) to “${caller}”: “${says}”; heard: “${heard}”`,
      ),
  ];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function readHonest(folder: string, language: string): HonestLine[] {
  const file = join(folder, `honest.${language}.jsonl`);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line.trim() !== '').map((line) => honestLine.parse(JSON.parse(line)));
}

/** Lines of one step, as many as one call takes. */
function groupsOf(lines: HonestLine[]): HonestLine[][] {
  return [...Map.groupBy(lines, ({ step }) => step).values()].flatMap((ofStep) =>
    Array.from({ length: Math.ceil(ofStep.length / linesPerCall) }, (_, at) =>
      ofStep.slice(at * linesPerCall, (at + 1) * linesPerCall),
    ),
  );
}

/** A clinic is used until its days are full. */
const bookingsPerClinic = 100;
type Clinics = Map<string, { clinic: TruthClinic; calls: number }>;

async function clinicFor(
  clinics: Clinics,
  {
    world,
    dice,
    folder,
    truth,
  }: {
    world: World;
    dice: Dice;
    folder: string;
    truth: string;
  },
) {
  const known = clinics.get(folder);
  if (known !== undefined && known.calls < bookingsPerClinic) {
    known.calls += 1;
    return known.clinic;
  }
  const clinic = await openTruthClinic(world, dice, {
    answers: readClinicAnswers(folder),
    truth,
    empty: true,
  });
  clinics.set(folder, { clinic, calls: 1 });
  return clinic;
}

interface HonestCall {
  world: World;
  directed: Directed;
  clinic: TruthClinic;
  dice: Dice;
  language: string;
  door: TruthDoorName;
}

async function* sayAll(lines: HonestLine[], call: HonestCall) {
  const { world, directed, clinic, dice, language } = call;
  const number = `+1212555${String(1_000 + dice.below(9_000))}`;
  const door = await ring(call.door, { url: world.app.url, clinic, number });
  const ledger = new LedgerReader(world.owner, clinic);
  try {
    const now = await bringTo(lines[0]?.step ?? 'greeting', { call, door, ledger });
    const put = placesOf(now, call);
    for (const line of lines) {
      const says = put(line.says);
      const heard = await turn(door, directed, {
        caller: put(line.caller),
        plan: { language, utterance: utteranceOf(says, { language, slip: 'none', claims: [] }) },
      });
      yield { line, says, heard };
    }
  } finally {
    directed.plan = undefined;
    await door.hangUp();
  }
}

async function turn(
  door: TruthDoor,
  directed: Directed,
  { caller, plan }: { caller: string; plan: CarelessPlan },
): Promise<string> {
  directed.plan = plan;
  return (await door.say(caller)).words;
}

/** A time that was let go a moment ago may be refused once; a careful model takes the next one. */
const triesMax = 4;

/** The way to a step, as a careful model goes it. */
async function bringTo(step: HonestLine['step'], way: Way): Promise<CallLedger> {
  const { call, door, ledger } = way;
  const { directed, language, dice } = call;
  const speech = valueSpeech(language, dice, false);
  if (step === 'greeting') return ledger.call(door.callSid);
  const date = await dayWithRoom(way);
  let now = await ledger.call(door.callSid);
  const looking = { caller: `${speech.day(date)}?`, plan: { language, deeds: [lookAt(date, language)] } };
  await turn(door, directed, looking);
  now = await ledger.afterLooking(door.callSid, now);
  if (now.offers.length === 0) throw new Error(`nothing was offered on ${date}`);
  if (step === 'offered') return now;
  for (let tries = 0; now.hold === null; tries += 1) {
    const offer = now.offers[tries % now.offers.length];
    if (offer === undefined || tries >= triesMax) throw new Error('no offered time could be held');
    const caller = `${speech.clock(offer.minute)}, ${offer.practitioner}.`;
    await turn(door, directed, { caller, plan: { language, deeds: [hold(offer.number, language)] } });
    now = await ledger.call(door.callSid);
  }
  if (step === 'held') return now;
  await turn(door, directed, {
    caller: yes[language] ?? yes.en,
    plan: { language, deeds: [book('Ann Miller', language)] },
  });
  now = await ledger.call(door.callSid);
  if (now.appointments.length === 0) throw new Error('what was held could not be booked');
  return now;
}

interface Way {
  call: HonestCall;
  door: TruthDoor;
  ledger: LedgerReader;
}

const yes: Record<string, string> & { en: string } = {
  en: 'Yes, please, book it. Ann Miller.',
  es: 'Sí, resérvela, soy Ann Miller.',
  de: 'Ja, bitte buchen, Ann Miller.',
};

async function dayWithRoom({ call, door, ledger }: Way): Promise<string> {
  const days = (await ledger.days(18)).slice(1);
  const free = await Promise.all(days.map((date) => ledger.open(date, door.callSid)));
  return call.dice.pick(days.filter((_, index) => (free[index]?.length ?? 0) > 4));
}

/** What an offered, held or booked time is called in the lines. */
function placesOf(
  { hold: held, appointments, offers }: CallLedger,
  { language, dice, clinic }: HonestCall,
): (text: string) => string {
  const time = appointments.at(-1) ?? held ?? offers[0];
  const speech = valueSpeech(language, dice, false);
  const said: Record<string, string | undefined> = {
    practitioner: time?.practitioner ?? clinic.practitioners[0],
    ...(time === undefined
      ? {}
      : { offer_day: speech.day(time.date), offer_clock: speech.clock(time.minute) }),
  };
  return (text) =>
    text.replace(/\{(\w+)\}/g, (_, place: string) => {
      const words = said[place];
      if (words === undefined) throw new Error(`nothing is known yet that could be {${place}} in: ${text}`);
      return words;
    });
}

function note(
  report: HonestReport,
  about: { set: string; language: string; line: HonestLine; says: string; heard: string },
): void {
  const { set, language, line, says, heard } = about;
  const key = `${line.kind} ${language}`;
  const count = report.counts[key] ?? { said: 0, withheld: 0 };
  report.counts[key] = count;
  report.lines += 1;
  count.said += 1;
  if (` ${wordsOf(heard).join(' ')} `.includes(` ${wordsOf(says).join(' ')} `)) return;
  count.withheld += 1;
  report.withheld.push({ set, kind: line.kind, language, step: line.step, caller: line.caller, says, heard });
}
