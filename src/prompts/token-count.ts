/**
 * About how many tokens a model reads. Counted as OpenAI's newer models do (o200k); other models' counts differ by
 * some tenths. Loads two megabytes of tables at the first use, so nothing in a call asks for it.
 */
export async function approximateTokens(text: string): Promise<number> {
  encoding ??= load();
  return (await encoding).encode(text).length;
}

let encoding: ReturnType<typeof load> | undefined;

async function load() {
  const [{ Tiktoken }, { default: ranks }] = await Promise.all([
    import('js-tiktoken/lite'),
    import('js-tiktoken/ranks/o200k_base'),
  ]);
  return new Tiktoken(ranks);
}
