import { LineCounter, parseDocument, stringify, visit } from 'yaml';
import type { z } from 'zod';
import { documentProblems } from './document-problems.ts';
import type { Address, Organization } from './organization.ts';
import { type OrganizationDocument, organizationDocument } from './organization-document.ts';
import { practitionerSettings, settings, usualSchedule, weekdayName } from './settings.ts';

export type ReadOrganizationFile =
  | { ok: true; document: OrganizationDocument }
  /** Everything that is wrong, each with where and what to do. */
  | { ok: false; problems: string[] };

/** Which list of the file holds which kind of address. */
const addressLists = [
  ['assistantIds', 'assistant'],
  ['phoneNumberIds', 'phone-number'],
  ['numbers', 'dialled'],
] as const;

/**
 * Reads an organization's file (YAML or JSON) over what the organization is now: what the file does not name stays as
 * it is. Named are whole: the fields at the top, those of `schedule`, and those of a practitioner, who is known by `key`.
 * Open hours may be written as `09:00-12:00`.
 *
 * @param current nothing when the organization is to be made
 */
export function readOrganizationFile(text: string, current: Organization | undefined): ReadOrganizationFile {
  const read = readYaml(text);
  if (!read.ok) return read;
  const problems: string[] = [];
  const merged = over(read.value, current, problems);
  const parsed = organizationDocument.safeParse(merged, { error: plainWords });
  if (!parsed.success) {
    problems.push(...unknownFields(merged, knownFields(merged)));
    problems.push(...parsed.error.issues.map((issue) => `${placeOf(merged, issue.path)}: ${issue.message}`));
    return { ok: false, problems };
  }
  problems.push(...unknownFields(merged, parsed.data), ...documentProblems(parsed.data));
  return problems.length === 0 ? { ok: true, document: parsed.data } : { ok: false, problems };
}

/** The key an organization's file is about, so that its present state can be looked up; nothing when there is none. */
export function keyInFile(text: string): string | undefined {
  const read = readYaml(text);
  return read.ok && typeof read.value['key'] === 'string' ? read.value['key'] : undefined;
}

/** What an organization's file would say about it as it is. */
export function documentOf(organization: Organization): OrganizationDocument {
  const { addresses } = organization;
  const lists = addressLists.map(([name, kind]) => [
    name,
    addresses
      .filter((one) => one.kind === kind)
      .map((one) => one.value)
      .sort(),
  ]);
  const practitioners = organization.practitioners.map((one) => pick(one, practitionerSettings.shape));
  return { ...pick(organization, settings.shape), practitioners, ...Object.fromEntries(lists) };
}

/** The file of an organization. Reading it back changes nothing. */
export function organizationFile(document: OrganizationDocument): string {
  // The ledger does not keep the order of a week's days.
  const inOrder = (one: { key: unknown }, other: { key: unknown }) =>
    weekdayNumber(one) - weekdayNumber(other);
  return stringify(withShortHours(document), { lineWidth: 110, sortMapEntries: inOrder });
}

/** What the organization of a document is reached at. */
export function addressesOf(document: OrganizationDocument): Address[] {
  return addressLists.flatMap(([name, kind]) => document[name].map((value) => ({ kind, value })));
}

type Fields = Record<string, unknown>;

function readYaml(text: string): { ok: true; value: Fields } | { ok: false; problems: string[] } {
  const lines = new LineCounter();
  const yaml = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (yaml.errors.length > 0) {
    const problems = yaml.errors.map(({ message, pos }) => `line ${lines.linePos(pos[0]).line}: ${message}`);
    return { ok: false, problems };
  }
  visit(yaml, {
    // A phone number without quotes is a number to YAML, and loses its plus.
    Scalar(_, node) {
      if (typeof node.value === 'number' && /^\+\d+$/.test(node.source ?? '')) node.value = node.source;
    },
  });
  const value: unknown = yaml.toJS();
  if (!isFields(value))
    return { ok: false, problems: ['the file is no list of settings such as "key: my-clinic"'] };
  return { ok: true, value: withLongHours(value) as Fields };
}

function over(file: Fields, current: Organization | undefined, problems: string[]): Fields {
  const now: Fields =
    current === undefined
      ? { schedule: usualSchedule, assistantIds: [], phoneNumberIds: [], numbers: [] }
      : documentOf(current);
  const merged: Fields = { ...now, ...file };
  if (isFields(file['schedule']))
    merged['schedule'] = { ...(now['schedule'] as Fields), ...file['schedule'] };
  const given = file['practitioners'];
  if (Array.isArray(given)) merged['practitioners'] = practitionersOver(given, current, problems);
  return merged;
}

function practitionersOver(
  given: unknown[],
  current: Organization | undefined,
  problems: string[],
): Fields[] {
  const merged = new Map<unknown, Fields>();
  for (const one of current?.practitioners ?? []) merged.set(one.key, pick(one, practitionerSettings.shape));
  const named = new Set<unknown>();
  for (const one of given) {
    const is = isFields(one) ? one['key'] : undefined;
    if (!isFields(one) || is === undefined) {
      problems.push('practitioners: an entry has no key; write "- key: lee" and what belongs to it below');
      continue;
    }
    if (named.has(is)) problems.push(`practitioners.${is}: is there twice; give each its own key`);
    named.add(is);
    merged.set(is, { spokenName: one['name'], ...merged.get(is), ...one });
  }
  return [...merged.values()];
}

const plainWords: z.core.$ZodErrorMap = (issue) => {
  if (issue.input === undefined) return 'is missing';
  const number =
    issue.code === 'invalid_type' && issue.expected === 'string' && typeof issue.input === 'number';
  return number ? 'is a number as it stands; put it in quotes' : undefined;
};

/** Where an issue is, practitioners by their key: the file may name fewer of them than there are. */
function placeOf(merged: Fields, path: PropertyKey[]): string {
  const named = path.map((part, index) => {
    const one =
      index === 1 && path[0] === 'practitioners' && (merged['practitioners'] as unknown[])[Number(part)];
    return isFields(one) ? one['key'] : part;
  });
  return named.length === 0 ? 'the file' : named.join('.');
}

/** Which fields there are at all, for a file of which more is wrong than an unknown field. */
function knownFields(merged: Fields): Fields {
  const practitioners = Array.isArray(merged['practitioners']) ? merged['practitioners'] : [];
  return {
    ...names(organizationDocument.shape),
    schedule: names(settings.shape.schedule.shape),
    practitioners: practitioners.map(() => names(practitionerSettings.shape)),
  };
}

function names(shape: object): Fields {
  return Object.fromEntries(Object.keys(shape).map((name) => [name, undefined]));
}

/** What was given and is no setting: a misspelt one would otherwise be passed over in silence. */
function unknownFields(given: unknown, known: unknown, path: string[] = []): string[] {
  if (Array.isArray(given) && Array.isArray(known)) {
    return given.flatMap((one, index) => unknownFields(one, known[index], [...path, nameOf(one, index)]));
  }
  if (!isFields(given) || !isFields(known)) return [];
  return Object.entries(given).flatMap(([name, value]) =>
    name in known
      ? unknownFields(value, known[name], [...path, name])
      : [`${[...path, name].join('.')}: is not a setting; examples/organization.yaml shows them all`],
  );
}

function nameOf(one: unknown, index: number): string {
  return isFields(one) && typeof one['key'] === 'string' ? one['key'] : String(index);
}

function weekdayNumber({ key: name }: { key: unknown }): number {
  return (weekdayName.options as string[]).indexOf(String(name));
}

const shortHours = /^(\d{1,2}:\d\d) *- *(\d{1,2}:\d\d)$/;

/** `09:00-12:00` in a list becomes the stretch it means. */
function withLongHours(value: unknown): unknown {
  if (typeof value === 'string') {
    const [, from, to] = shortHours.exec(value) ?? [];
    return from === undefined || to === undefined
      ? value
      : { from: from.padStart(5, '0'), to: to.padStart(5, '0') };
  }
  return mapped(value, withLongHours);
}

function withShortHours(value: unknown): unknown {
  if (isFields(value) && Object.keys(value).join() === 'from,to') return `${value['from']}-${value['to']}`;
  return mapped(value, withShortHours);
}

function mapped(value: unknown, change: (value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(change);
  if (!isFields(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, change(one)]));
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function pick<Shape extends object, Value extends Record<keyof Shape, unknown>>(
  value: Value,
  shape: Shape,
): Pick<Value, keyof Shape & keyof Value> {
  const names = Object.keys(shape) as (keyof Shape & keyof Value)[];
  return Object.fromEntries(names.map((name) => [name, value[name]])) as Pick<
    Value,
    keyof Shape & keyof Value
  >;
}
