/** As many as tell two rows apart. */
const initialsMax = 3;

/**
 * A person's name or number for somebody who has not asked to see it: the initials of a name, the last two digits of a
 * number. The live feed and the console mask by it, and nothing else does.
 */
export function masked(nameOrNumber: string | null | undefined): string | null {
  const text = nameOrNumber?.trim() ?? '';
  if (text === '') return null;
  if (/\d/.test(text)) return `…${text.slice(-2)}`;
  return text
    .split(/\s+/)
    .slice(0, initialsMax)
    .map((word) => `${[...word][0] ?? ''}.`)
    .join(' ');
}
