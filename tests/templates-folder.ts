import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promptsFolder } from '../src/config.ts';

/** A copy of the shipped templates to edit; removed when disposed of. */
export interface TemplatesFolder extends AsyncDisposable {
  folder: string;
  /** @param name e.g. `speech/en/offered` */
  edit(name: string, text: string): Promise<void>;
  remove(name: string): Promise<void>;
}

export async function copyTemplates(): Promise<TemplatesFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'holdline-prompts-'));
  await cp(promptsFolder, folder, { recursive: true });
  const file = (name: string) => join(folder, `${name}.liquid`);
  return {
    folder,
    async edit(name, text) {
      await mkdir(dirname(file(name)), { recursive: true });
      await writeFile(file(name), text);
    },
    remove: (name) => rm(file(name)),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
