import { existsSync } from 'node:fs';
import axeCore from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import { describe } from 'vitest';

/** Debian's chromium, or the one that is named. */
const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const installed = existsSync(executablePath);
if (!installed && process.env['HOLDLINE_NO_SKIP'] === '1') {
  throw new Error(
    'chromium is not installed, and HOLDLINE_NO_SKIP=1 forbids skipping the suites that need it; apt-get install chromium, or set CHROMIUM',
  );
}
if (!installed)
  process.stderr.write('\n*** THE CONSOLE’S PAGES ARE NOT TESTED: chromium is not installed ***\n\n');

/** A real browser for the suites that need one; they are skipped, loudly, where there is none. */
export const browser = {
  describe: describe.skipIf(!installed),
  launch: (): Promise<Browser> =>
    // Everything the pages need comes from this machine; in a container there is no sandbox to be had.
    chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] }),
};

/** What a page said that it should not have: faults, refused resources, broken policies. */
export function watchFaults(page: Page): string[] {
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' || /content security policy/i.test(message.text()))
      faults.push(message.text());
  });
  return faults;
}

const axe = axeCore.source;

/**
 * What axe finds serious or critical about the page as it is now.
 *
 * @param only these rules; all of them if left out
 */
export async function seriousProblems(page: Page, only?: string[]): Promise<string[]> {
  await page.evaluate(axe);
  return page.evaluate(async (rules) => {
    const { axe: here } = globalThis as unknown as {
      axe: { run(options: object): Promise<{ violations: AxeViolation[] }> };
    };
    const { violations } = await here.run(
      rules === undefined ? {} : { runOnly: { type: 'rule', values: rules } },
    );
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(' | ')}`);
  }, only);
}

interface AxeViolation {
  id: string;
  impact: string;
  nodes: { html: string }[];
}
