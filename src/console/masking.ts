/** A name nobody has asked for: its initials, so that two rows can be told apart. */
export function maskedName(name: string | null | undefined): string | null {
  if (name === null || name === undefined || name.trim() === '') return null;
  const initials = name
    .trim()
    .split(/\s+/)
    .slice(0, 3)
    .map((word) => `${[...word][0]?.toUpperCase() ?? ''}.`);
  return initials.join(' ');
}

/** A number nobody has asked for: its last two digits. */
export function maskedNumber(number: string | null | undefined): string | null {
  return number === null || number === undefined || number === '' ? null : `… ${number.slice(-2)}`;
}
