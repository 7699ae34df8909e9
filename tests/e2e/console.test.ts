import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inTenant } from '#storage/postgres.ts';
import { browser, seriousProblems, watchFaults } from '../browser.ts';
import { Caller, type RunningApp, startApp } from '../running-app.ts';

/** Set, the run writes the README's pictures; otherwise a test run leaves the tree as it was. */
const pictures = process.env['HOLDLINE_PICTURES'] === '1';
const picturesFolder = join(import.meta.dirname, '../../docs/console');

const sizes = {
  desktop: { width: 1280, height: 800 },
  telephone: { width: 390, height: 844 },
} as const;

browser.describe.each(['desktop', 'telephone'] as const)('the console on a %s', (size) => {
  let app: RunningApp;
  let chromium: Browser;
  let context: BrowserContext;
  let page: Page;
  let faults: string[];

  beforeAll(async () => {
    app = await startApp();
    chromium = await browser.launch();
    context = await chromium.newContext({ viewport: sizes[size], colorScheme: 'light', timezoneId: 'UTC' });
    page = await context.newPage();
    page.setDefaultTimeout(10_000);
    faults = watchFaults(page);
  });
  afterAll(async () => {
    await chromium.close();
    await app[Symbol.asyncDispose]();
  });

  /** The page is fit for everybody, in both schemes. */
  async function expectFit(picture?: string): Promise<void> {
    if (picture !== undefined && pictures && size === 'desktop') {
      await mkdir(picturesFolder, { recursive: true });
      await page.screenshot({ path: join(picturesFolder, `${picture}.png`) });
    }
    expect(await seriousProblems(page), 'in the light scheme').toEqual([]);
    // The dark scheme changes nothing but colours.
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await seriousProblems(page, ['color-contrast']), 'in the dark scheme').toEqual([]);
    await page.emulateMedia({ colorScheme: 'light' });
    const overflow = await page.evaluate<number>(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    expect(overflow, 'nothing is wider than the screen').toBeLessThanOrEqual(0);
    expect(faults).toEqual([]);
  }

  const go = (name: string) =>
    page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name }).click();
  const heard = () => page.locator('.heard').last();

  async function say(words: string): Promise<void> {
    const before = await page.locator('.heard').count();
    await page.getByLabel('What you say').fill(words);
    await page.getByRole('button', { name: 'Say', exact: true }).click();
    await page.locator('.heard').nth(before).waitFor();
    await page.locator('.heard.done').nth(before).waitFor();
  }

  async function call(): Promise<void> {
    await page.getByRole('button', { name: /^Call( again)?$/ }).click();
    await page.locator('.heard.done').first().waitFor();
  }

  test('a wrong key is refused with a sentence', async () => {
    await page.goto(app.url);
    await page.getByLabel('Your organization’s key').fill('a wrong key');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('No key or secret is this one').waitFor();
    // The browser itself reports the refusal as a failed resource; nothing else may be wrong.
    expect(faults.splice(0)).toEqual([expect.stringContaining('401')]);
    await expectFit();
  });

  test('the terminal’s link signs in, and its code is gone from the address', async () => {
    await page.goto(app.url + app.signInPath());
    await page.reload();
    await page.getByRole('heading', { name: 'Try the line' }).waitFor();
    expect(page.url()).toBe(`${app.url}/#/line`);
    await expectFit();
  });

  test('a call that is typed books, and shows what happens underneath', async () => {
    await call();
    await say('I’d like an appointment next Tuesday after lunch.');
    await say('The first one, please.');
    await page.getByText('left', { exact: false }).first().waitFor();
    await say('Yes please. This is Ann Miller.');
    await page.getByTestId('ledger-row').getByText('booked').waitFor();
    const [row] = await inTenant(
      app.sql,
      app.organization.id,
      (tx) => tx`select status, patient ->> 'name' as name from appointments`,
    );
    expect(row).toMatchObject({ status: 'booked', name: 'Ann Miller' });
    // The spans of the turn, and the tool with its arguments and its result.
    const turn = page.locator('.underneath .turns > li').first();
    await turn.locator('.spans').waitFor();
    await turn.getByText('send_sms_reminder').first().click();
    await turn.getByText('"success": true').waitFor();
    await turn.getByText('send_sms_reminder').first().click();
    await expectFit('line');
    await say('No, that’s all. Thank you, bye.');
    await page.getByText('The call is over.').waitFor();
  });

  test('a call that is spoken is heard, where the browser has ears and a voice', async () => {
    // A headless browser has neither: these stand in for them, and all behind them is the page's own.
    const speaking = await context.newPage();
    await speaking.addInitScript(`
      globalThis.spoken = [];
      globalThis.SpeechRecognition = class extends EventTarget {
        start() {
          globalThis.hear = (words) =>
            this.onresult({ resultIndex: 0, results: [Object.assign([{ transcript: words }], { isFinal: true })] });
        }
        abort() { this.onend(); }
      };
      globalThis.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
      Object.defineProperty(globalThis, 'speechSynthesis', {
        value: { speak: (one) => globalThis.spoken.push(one.text), cancel() {} },
      });`);
    await speaking.goto(`${app.url}/#/line`);
    await speaking.getByLabel('Speak aloud').check();
    await speaking.getByRole('button', { name: 'Call', exact: true }).click();
    await speaking.locator('.heard.done').first().waitFor();
    await speaking.getByRole('button', { name: 'Speak', exact: true }).click();
    await speaking.evaluate(`hear('Next Thursday in the morning, please.')`);
    await speaking.locator('.said').getByText('Next Thursday in the morning').waitFor();
    await speaking.locator('.heard.done').nth(1).waitFor();
    expect(await speaking.evaluate<string>(`spoken.join(' ')`)).toMatch(/Thursday/);
    await speaking.close();
  });

  test('an edited template is checked at its line, tried unsaved, saved, heard, and rolled back', async () => {
    await go('Prompts');
    const editor = page.getByRole('textbox', { name: 'Text of speech/en/opening' });
    await page.locator('.cm-content').waitFor();
    const write = async (text: string) => {
      await editor.fill(text);
    };
    await write('Good day.\nThis is {{ clinik }}.');
    await page.getByText('Line 2: unknown variable clinik', { exact: false }).waitFor();
    await page.locator('.cm-lint-marker-error').waitFor();
    expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
    await write('Good morning, this is {{ receptionist }} at {{ clinic }}. Which day suits you?');
    await page.getByText('Good morning, this is Robin at the demo clinic.', { exact: false }).waitFor();
    await expectFit('prompts');
    await write('Unsaved words of {{ clinic }}.');
    await page.getByText('Unsaved words of the demo clinic.').waitFor();
    await page.getByRole('button', { name: 'Try it in a call' }).click();
    await call();
    await heard().getByText('Unsaved words of the demo clinic.').waitFor();
    // Nobody else hears them.
    expect(await opening(app)).not.toContain('Unsaved');

    await go('Prompts');
    await page.locator('.cm-content').waitFor();
    await write('A new greeting of {{ clinic }}. <script>globalThis.broken = true</script>');
    await page.getByText('A new greeting of the demo clinic.', { exact: false }).first().waitFor();
    await page.getByLabel('Note').fill('<b>because</b>');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('<b>because</b>', { exact: false }).waitFor();
    expect(await opening(app)).toContain('A new greeting of the demo clinic.');
    await go('Try the line');
    await call();
    await heard().getByText('A new greeting of the demo clinic. <script>', { exact: false }).waitFor();

    await go('Prompts');
    await page.getByRole('button', { name: 'Use the shipped text' }).click();
    await page.getByText('back to shipped').waitFor();
    await expect.poll(() => opening(app)).not.toContain('A new greeting');
    expect(await page.evaluate(() => 'broken' in globalThis)).toBe(false);
  });

  test('the prompt as the model reads it shows what a cache can hold', async () => {
    await page.goto(`${app.url}/#/prompts/context`);
    await page.getByText('cached', { exact: true }).waitFor();
    await page.getByLabel('Step').selectOption('reserve');
    await page.getByText('"step":"reserve"', { exact: false }).waitFor();
    await expectFit();
  });

  test('a call through Vapi’s door appears by itself, and who called is shown when asked', async () => {
    await go('Calls');
    await page.getByRole('status').getByText('Live', { exact: true }).waitFor();
    const rows = page.locator('.calls tbody tr');
    const before = await rows.count();
    const caller = new Caller(app);
    await caller.say('Next Wednesday in the morning, please.');
    await rows.nth(before).waitFor();
    await rows.first().getByText('looking for a time').waitFor();
    await caller.say('The first one, please.');
    await rows.first().getByText('time held').waitFor();
    await caller.say('Yes, book it. My name is Bob Stone.');
    await rows.first().getByText('booked').waitFor();
    expect(await rows.first().textContent()).not.toMatch(/Bob|2125550142/);
    await expectFit('calls');

    const name = '<img src=x onerror="globalThis.broken = true">';
    await inTenant(
      app.sql,
      app.organization.id,
      (tx) => tx`
        update call_states set patient_data = patient_data || ${tx.json({ name })} where call_sid = ${caller.callSid}`,
    );
    await rows.first().getByRole('link').click();
    await page.getByText('booking confirmed').waitFor();
    await page.getByRole('button', { name: 'Show name and number' }).click();
    await page.getByText(name).waitFor();
    await page.getByText('+12125550142').first().waitFor();
    await page.getByText('Shown once').waitFor();
    expect(await page.evaluate(() => 'broken' in globalThis)).toBe(false);
    await expectFit();
  });

  test('an appointment is moved, its time blocked, the conflict seen, and it is cancelled', async () => {
    await go('Slots');
    const [booked] = await inTenant(
      app.sql,
      app.organization.id,
      (tx) => tx<{ practitioner: string; days: number }[]>`
        select p.name as practitioner, (a.starts_at at time zone 'America/New_York')::date
          - (ledger_now() at time zone 'America/New_York')::date as days
        from appointments a join practitioners p on p.id = a.practitioner_id
        where a.status = 'booked' order by a.starts_at limit 1`,
    );
    await page.getByLabel('Practitioner').selectOption(booked?.practitioner ?? '');
    if ((booked?.days ?? 0) >= 7) await page.getByRole('button', { name: 'The week after' }).click();
    const first = page.locator('button.slot-booked').first();
    await first.waitFor();
    await expectFit('slots');
    // By the keyboard: opened, closed, and where one was before.
    await first.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await expectFit();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await first.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Move' }).click();
    const open = page.locator('button.slot-open:enabled').last();
    const time = await open.locator('.slot-time').textContent();
    await open.click();
    const moved = page
      .locator('button.slot-booked')
      .filter({ hasText: time ?? '' })
      .last();
    await moved.waitFor();

    const [appointment] = await inTenant(
      app.sql,
      app.organization.id,
      (tx) => tx<{ from: string; to: string }[]>`
        select to_char(starts_at at time zone 'America/New_York', 'YYYY-MM-DD"T"HH24:MI') as from,
          to_char(starts_at at time zone 'America/New_York' + interval '1 hour', 'YYYY-MM-DD"T"HH24:MI') as to
        from appointments where moved_from is not null and status = 'booked'`,
    );
    await page.getByRole('button', { name: 'Block time' }).click();
    await page.getByLabel('From').fill(appointment?.from ?? '');
    await page.getByLabel('To').fill(appointment?.to ?? '');
    await page.getByRole('button', { name: 'Block', exact: true }).click();
    await page.locator('button.slot-conflict').waitFor();

    await page.locator('button.slot-conflict').click();
    await page.getByRole('button', { name: 'Cancel the appointment' }).click();
    await page.getByRole('button', { name: 'Yes, cancel it' }).click();
    await page.locator('button.slot-conflict').waitFor({ state: 'detached' });
    await page.locator('button.slot-blocked').first().click();
    await page.getByRole('button', { name: 'Unblock' }).click();
    await page.locator('button.slot-blocked').waitFor({ state: 'detached' });
    const statuses = await inTenant(
      app.sql,
      app.organization.id,
      (tx) => tx<{ status: string }[]>`select status from appointments order by created_at`,
    );
    expect(statuses.map((one) => one.status)).toContain('cancelled');
    expect(faults).toEqual([]);
  });

  test('how it is, with the latency drawn', async () => {
    await go('Health');
    await page.locator('.plot canvas').waitFor();
    await page.getByText('ledger').first().waitFor();
    await expectFit();
  });

  test('the keyboard gets past the menu', async () => {
    await page.reload();
    await page.getByRole('heading', { name: 'Health' }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await page.evaluate<boolean>(`document.activeElement.closest('main') !== null`)).toBe(true);
  });

  test('whoever signs out sees nothing any more', async () => {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.goto(`${app.url}/#/calls`);
    await page.reload();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  });
});

/** What another caller hears first. */
async function opening(app: RunningApp): Promise<string> {
  const caller = new Caller(app);
  caller.history.length = 0;
  const response = await caller.post();
  return response.text();
}
