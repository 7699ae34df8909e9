import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { CallProblem } from './call-problem.ts';
import { withDays } from './days-said.ts';

/** A caller on file: the words to begin with, and what to answer to what. */
export type Scenario = z.infer<typeof scenario> & { name: string };

const here = path.join(import.meta.dirname, 'scenarios');

/** The names of all scenarios in a folder, in alphabetical order. */
export async function scenarioNames(folder: string = here): Promise<string[]> {
  const files = await readdir(folder);
  return files.flatMap((file) => (file.endsWith('.yaml') ? [file.slice(0, -'.yaml'.length)] : [])).toSorted();
}

/**
 * Reads one scenario, with the days it speaks of filled in as of `now`.
 *
 * @throws CallProblem naming the file and the field when it does not exist or has a fault
 */
export async function readScenario(
  name: string,
  { folder = here, now = new Date() }: { folder?: string; now?: Date } = {},
): Promise<Scenario> {
  const names = await scenarioNames(folder);
  if (!names.includes(name)) {
    throw new CallProblem(`There is no scenario "${name}". There are: ${names.join(', ')}.`);
  }
  const file = `${name}.yaml`;
  return { name, ...parseScenario(withDays(await readFile(path.join(folder, file), 'utf8'), now), file) };
}

/** @throws CallProblem naming `file` and each field with a fault */
export function parseScenario(text: string, file: string): z.infer<typeof scenario> {
  let content: unknown;
  try {
    content = parse(text);
  } catch (error) {
    throw new CallProblem(`${file} is not YAML: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
  const read = scenario.safeParse(content);
  if (read.success) return read.data;
  const problems = read.error.issues.map(
    (issue) => `  ${issue.path.join('.') || 'the file'}: ${issue.message}`,
  );
  throw new CallProblem(`${file} is not a scenario:\n${problems.join('\n')}`);
}

const words = z.string().trim().min(1);

/** Matched without regard to case against what the assistant said last. */
const pattern = words.transform((source, context) => {
  try {
    return new RegExp(source, 'i');
  } catch (error) {
    context.addIssue({
      code: 'custom',
      message: error instanceof Error ? error.message : 'not a regular expression',
    });
    return z.NEVER;
  }
});

/** `afterWords: 0` is a caller who simply goes on talking, before any answer is heard. */
const interrupt = z.strictObject({ afterWords: z.int().nonnegative(), say: words });

const line = {
  say: words.optional(),
  interrupt: interrupt.optional(),
  hangUp: z.boolean().default(false),
};

const rule = z
  .strictObject({ when: pattern, ...line, once: z.boolean().default(false) })
  .refine(({ say, hangUp }) => say !== undefined || hangUp, 'needs say, or hangUp: true')
  .refine(
    ({ say, interrupt: cut }) => say !== undefined || !cut,
    'interrupt needs say: there is nothing to interrupt',
  )
  .refine(({ interrupt: cut, hangUp }) => !(cut && hangUp), 'either interrupt or hangUp, not both');

const scenario = z.strictObject({
  title: words,
  firstMessage: words.default('Thank you for calling the Demo Clinic. How can I help you?'),
  opening: words,
  /** What the ledger must say afterwards. */
  expect: z.enum(['booked', 'hold-kept', 'nothing-booked']).default('booked'),
  /** Each must have been said to the caller at some time. */
  hears: z.array(pattern).default([]),
  /** Details of the appointment that was booked. */
  patient: z.strictObject({ name: words.optional(), phone: words.optional() }).default({}),
  /** The first rule that fits what the assistant said decides; one marked `once` only the first time. */
  rules: z.array(rule),
  /** Said when no rule fits. */
  otherwise: words.default('Sorry, could you say that again?'),
});
