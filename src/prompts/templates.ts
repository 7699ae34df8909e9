import { type FSWatcher, watch } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Liquid, type Template } from 'liquidjs';
import type { Log } from '#telemetry/log.ts';

/** The templates of one folder, ready to render. */
export interface Prompts extends AsyncDisposable {
  /**
   * Renders a template.
   *
   * @param name path under the folder without the ending, e.g. `system` or `speech/en/offered`
   * @param values what the template may use; a name it uses and that is not here is an error with file and line
   */
  render(name: string, values: Record<string, unknown>): string;
  /** The spoken template of a tool's outcome in a language, or in English where that language has none. */
  speak(outcome: string, language: string, values: Record<string, unknown>): string;
  /** Rises whenever an edit took effect. */
  readonly version: number;
  /** What is wrong with the files as they are on disk; the last good ones serve meanwhile. */
  readonly problem: string | undefined;
}

/** Editors write in several steps; one reading after they came to rest is enough. */
const settleMs = 50;

/**
 * Reads all templates of a folder (Liquid, strict: unknown variables and filters are errors) and follows edits.
 * An edit that cannot be parsed is refused: it is logged with file and line, and the last good version serves.
 *
 * @throws if the templates cannot be parsed at start: there is no last good version yet
 */
export async function openPrompts({ folder, log }: { folder: string; log: Log }): Promise<Prompts> {
  const engine = new Liquid({ strictVariables: true, strictFilters: true, ownPropertyOnly: true });
  let templates = await parseAll(engine, folder);
  let version = 1;
  let problem: string | undefined;

  const reread = async () => {
    try {
      templates = await parseAll(engine, folder);
      version += 1;
      problem = undefined;
      log.info('edited templates are in use from the next turn on');
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
      log.error({ problem }, 'an edited template is refused; the last good version serves');
    }
  };
  let timer: NodeJS.Timeout | undefined;
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(folder, { recursive: true, persistent: false }, () => {
      clearTimeout(timer);
      timer = setTimeout(() => void reread(), settleMs);
      timer.unref();
    });
    watcher.on('error', (error) => log.warn({ err: error }, 'edits of templates are no longer noticed'));
  } catch (error) {
    log.warn({ err: error }, 'edits of templates take effect at the next start only');
  }

  const render = (name: string, values: Record<string, unknown>): string => {
    const template = templates.get(name);
    if (template === undefined) throw new Error(`there is no template ${join(folder, name)}.liquid`);
    return String(engine.renderSync(template, values)).trim();
  };
  return {
    render,
    speak(outcome, language, values) {
      const name = `speech/${language}/${outcome}`;
      return oneLine(render(templates.has(name) ? name : `speech/en/${outcome}`, values));
    },
    get version() {
      return version;
    },
    get problem() {
      return problem;
    },
    async [Symbol.asyncDispose]() {
      clearTimeout(timer);
      watcher?.close();
    },
  };
}

async function parseAll(engine: Liquid, folder: string): Promise<Map<string, Template[]>> {
  const files = await readdir(folder, { recursive: true });
  const parsed = new Map<string, Template[]>();
  for (const file of files.filter((name) => name.endsWith('.liquid')).sort()) {
    const source = await readFile(join(folder, file), 'utf8');
    // The file name makes the engine's errors say file and line.
    const name = file.slice(0, -'.liquid'.length).replaceAll('\\', '/');
    parsed.set(name, engine.parse(source, join(folder, file)));
  }
  if (parsed.size === 0) throw new Error(`${folder}: there is no template (*.liquid) in this folder`);
  return parsed;
}

/** Templates may be laid out over lines; what is spoken is one. */
function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
