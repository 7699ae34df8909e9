import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Log } from '#telemetry/log.ts';
import { checkTemplate, type FitTemplate } from './template-check.ts';

const texts = z.record(z.string(), z.string());

/**
 * The templates that served last, as an earlier process kept them: a server that starts over while somebody is
 * editing still has something to say. Those that are not fit for this release are left out.
 */
export async function readKept(file: string): Promise<Map<string, FitTemplate>> {
  const kept = new Map<string, FitTemplate>();
  const read: unknown = await readFile(file, 'utf8')
    .then((text) => JSON.parse(text))
    .catch(() => ({}));
  for (const [name, text] of Object.entries(texts.safeParse(read).data ?? {})) {
    const checked = checkTemplate(name, text);
    if (checked.fit) kept.set(name, checked.template);
  }
  return kept;
}

/** Keeps what serves now. Where that cannot be written a later start has nothing to fall back to, and no more. */
export async function keep(file: string, serving: ReadonlyMap<string, FitTemplate>, log: Log): Promise<void> {
  try {
    const all = Object.fromEntries([...serving].map(([name, { text }]) => [name, text]));
    await writeFile(`${file}.new`, JSON.stringify(all));
    await rename(`${file}.new`, file);
  } catch (error) {
    log.warn({ err: error }, 'the templates in use could not be kept for a later start');
  }
}
