import { isDeepStrictEqual } from 'node:util';

/** One difference between two states: what was, what will be; absent is `undefined`. */
export interface Change {
  path: string;
  before: unknown;
  after: unknown;
}

/**
 * What differs between two JSON values, in the order of the second. Lists whose entries can be told apart (by `key`,
 * a function's name, `type` and the like) are compared entry by entry, others as a whole.
 */
export function changesBetween(before: unknown, after: unknown, path = ''): Change[] {
  if (isDeepStrictEqual(before, after)) return [];
  const [one, other] = [entriesOf(before), entriesOf(after)];
  if (one === undefined || other === undefined) return [{ path, before, after }];
  const names = new Set([...other.keys(), ...one.keys()]);
  const changes = [...names].flatMap((name) =>
    changesBetween(one.get(name), other.get(name), path === '' ? name : `${path}.${name}`),
  );
  // The same entries in another order.
  return changes.length > 0 ? changes : [{ path, before, after }];
}

/** A line for each change: `+` appears, `-` goes, `~` becomes another. Secrets are not shown. */
export function changeLines(changes: Change[]): string[] {
  return changes.map(({ path, before, after }) => {
    const show = (value: unknown) => (secretPath.test(path) ? '(secret)' : shown(value));
    if (before === undefined) return `  + ${path}: ${show(after)}`;
    if (after === undefined) return `  - ${path}: ${show(before)}`;
    return `  ~ ${path}: ${show(before)} → ${show(after)}`;
  });
}

const secretPath = /(^|[.-])(x-holdline-key|x-vapi-secret|authorization|secret|token|api-?key)$/i;

/** Longer values say less than their beginning. */
const shownMax = 160;

function shown(value: unknown): string {
  const text = JSON.stringify(hideSecrets(value)) ?? 'nothing';
  return text.length > shownMax ? `${text.slice(0, shownMax)}…` : text;
}

function hideSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hideSecrets);
  if (typeof value !== 'object' || value === null) return value;
  const hidden = ([name, one]: [string, unknown]) => [
    name,
    secretPath.test(name) ? '(secret)' : hideSecrets(one),
  ];
  return Object.fromEntries(Object.entries(value).map(hidden));
}

function entriesOf(value: unknown): Map<string, unknown> | undefined {
  if (Array.isArray(value)) {
    const names = value.map(identity);
    return names.includes(undefined) || new Set(names).size < names.length
      ? undefined
      : new Map(names.map((name, index) => [name ?? '', value[index]]));
  }
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : undefined;
}

function identity(entry: unknown): string | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined;
  const { key, date, on, type, function: called } = entry as Record<string, unknown>;
  const name = key ?? date ?? on ?? (called as { name?: unknown } | undefined)?.name ?? type;
  return typeof name === 'string' ? name : undefined;
}
