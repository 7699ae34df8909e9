import { readFileSync } from 'node:fs';

/**
 * The release this process is of: the version in `package.json`. A database keeps the release that wrote its functions,
 * so the version rises with every release that changes one.
 */
export const thisRelease = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;

/** Whether a release comes before another: 0.9.3 before 0.10.0. What follows the three numbers does not count. */
export function isEarlier(release: string, other: string): boolean {
  const [ours, theirs] = [numbersOf(release), numbersOf(other)];
  const place = ours.findIndex((number, at) => number !== theirs[at]);
  return place !== -1 && (ours[place] ?? 0) < (theirs[place] ?? 0);
}

function numbersOf(release: string): number[] {
  const numbers = /^(\d+)\.(\d+)\.(\d+)/.exec(release)?.slice(1).map(Number);
  if (numbers === undefined) throw new Error(`${release} is no release: a release is named like 1.2.3`);
  return numbers;
}
