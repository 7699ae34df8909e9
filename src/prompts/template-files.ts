import { type FSWatcher, watch } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '#telemetry/log.ts';
import { keep, readKept } from './kept-templates.ts';
import { checkTemplate, type FitTemplate, problemLine } from './template-check.ts';
import { placeOf, requiredNames } from './template-variables.ts';

/** The templates of one folder as they serve: of each the last version that was fit. */
export interface TemplateFiles extends Disposable {
  /** By name, i.e. path under the folder without the ending. The same object for as long as its text is the same. */
  readonly serving: ReadonlyMap<string, FitTemplate>;
  /** What is wrong with the files as they are on disk, each with file and line. */
  readonly problems: string[];
}

/** Editors write in several steps; one reading after they came to rest is enough. */
const settleMs = 50;

/**
 * Reads the templates of a folder and follows edits. One that is not fit is refused: it is logged with file and
 * line, the last good version of it serves, and what else was edited counts.
 *
 * @param keptIn a file in which the last good versions outlive the process, on this machine
 * @throws with every problem there is, if some template is not fit at the start and has no last good version.
 * A file nothing asks for, such as one an older release left, keeps nobody from being answered: it is only told.
 */
export async function openTemplateFiles({
  folder,
  keptIn,
  log,
}: {
  folder: string;
  keptIn?: string | undefined;
  log: Log;
}): Promise<TemplateFiles> {
  const first = await readTemplates(folder, keptIn === undefined ? new Map() : await readKept(keptIn));
  if (first.lost) throw new Error(first.problems.join('\n'));
  let { serving } = first;
  let problems = [...first.problems, ...first.unused];
  for (const problem of first.problems)
    log.error({ problem }, 'a template is refused; the version that served before the start serves');
  for (const problem of first.unused) log.warn({ problem }, 'a template is used by nobody');
  if (keptIn !== undefined) await keep(keptIn, serving, log);

  const reread = async () => {
    const edited = await readTemplates(folder, serving).catch((error: unknown) => ({
      serving,
      problems: [error instanceof Error ? error.message : String(error)],
      unused: [],
      lost: false,
    }));
    const told = [...edited.problems, ...edited.unused];
    const changed = [...edited.serving].filter(([name, template]) => serving.get(name) !== template);
    const appeared = told.filter((problem) => !problems.includes(problem));
    serving = edited.serving;
    problems = told;
    for (const problem of appeared)
      log.error({ problem }, 'an edited template is refused; the last good version serves');
    if (changed.length > 0 && keptIn !== undefined) await keep(keptIn, serving, log);
    if (changed.length > 0)
      log.info({ templates: changed.map(([name]) => name) }, 'edited templates serve from the next turn on');
  };
  const watching = follow(folder, () => void reread(), log);
  return {
    get serving() {
      return serving;
    },
    get problems() {
      return problems;
    },
    [Symbol.dispose]: () => watching[Symbol.dispose](),
  };
}

/**
 * Reads and checks a folder.
 *
 * @param before what served so far: a file that is not fit now, or is gone and needed, keeps its version from there
 */
async function readTemplates(
  folder: string,
  before: ReadonlyMap<string, FitTemplate>,
): Promise<{
  serving: Map<string, FitTemplate>;
  problems: string[];
  unused: string[];
  /** Some template is not fit and has never been. */
  lost: boolean;
}> {
  const serving = new Map<string, FitTemplate>();
  const problems: string[] = [];
  const unused: string[] = [];
  let lost = false;
  const files = await readdir(folder, { recursive: true });
  for (const file of files.filter((one) => one.endsWith('.liquid')).sort()) {
    const name = file.slice(0, -'.liquid'.length).replaceAll('\\', '/');
    if (placeOf(name) === undefined) {
      unused.push(`${join(folder, file)}: nothing asks for a template of this name`);
      continue;
    }
    const text = await readFile(join(folder, file), 'utf8');
    const last = before.get(name);
    const checked = last?.text === text ? { fit: true as const, template: last } : checkTemplate(name, text);
    if (checked.fit) serving.set(name, checked.template);
    else {
      problems.push(...checked.problems.map((problem) => problemLine(join(folder, file), problem)));
      if (last === undefined) lost = true;
      else serving.set(name, last);
    }
  }
  const found = new Set(files.map((file) => file.replaceAll('\\', '/')));
  for (const name of requiredNames()) {
    if (found.has(`${name}.liquid`)) continue;
    problems.push(`${join(folder, name)}.liquid is missing: something would be left unsaid`);
    const last = before.get(name);
    if (last === undefined) lost = true;
    else serving.set(name, last);
  }
  return { serving, problems, unused, lost };
}

function follow(folder: string, onEdit: () => void, log: Log): Disposable {
  let timer: NodeJS.Timeout | undefined;
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(folder, { recursive: true, persistent: false }, () => {
      clearTimeout(timer);
      timer = setTimeout(onEdit, settleMs);
      timer.unref();
    });
    watcher.on('error', (error) => log.warn({ err: error }, 'edits of templates are no longer noticed'));
  } catch (error) {
    log.warn({ err: error }, 'edits of templates take effect at the next start only');
  }
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      watcher?.close();
    },
  };
}
