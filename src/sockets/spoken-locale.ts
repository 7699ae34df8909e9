/** Voices are made for a country: `en` is `en-US`, `de` is `de-DE`. */
export function spokenLocale(language: string): string {
  const { language: spoken, region } = new Intl.Locale(language).maximize();
  return region === undefined ? spoken : `${spoken}-${region}`;
}
