import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ErrorAnswer } from '#http/error-answer.ts';
import { listKeys, revokeKey } from '#organization/keys.ts';
import type { Organization } from '#organization/organization.ts';
import { ConsoleClient, secondClinic, signedIn } from '../../console-client.ts';
import { Caller, type RunningApp, startApp, vapiSecret } from '../../running-app.ts';

let app: RunningApp;
let other: Organization;
let keys: Awaited<ReturnType<typeof secondClinic>>['keys'];

beforeAll(async () => {
  app = await startApp();
  ({ other, keys } = await secondClinic(app));
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
});

interface Described {
  paths: Record<string, Record<string, { security?: object[]; description?: string }>>;
}

/** Every route of the API as it describes itself, with values that are well-formed in every place. */
async function everyRoute(organization: string): Promise<{ method: string; path: string; role: string }[]> {
  const { paths } = await new ConsoleClient(app).get<Described>('/openapi.json');
  const callSid = `try-${crypto.randomUUID()}`;
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { description }]) => ({
      method: method.toUpperCase(),
      path: path
        .replace('/console/api', '')
        .replace('{organization}', organization)
        .replace('{callSid}', callSid)
        .replace('{name}', 'speech%2Fen%2Foffered')
        .replace('{id}', path.includes('/jobs/') ? '1' : crypto.randomUUID()),
      role: description === undefined ? 'nobody' : description.includes('may edit') ? 'edit' : 'see',
    })),
  );
}

const ofOrganization = ({ path }: { path: string }) => path.startsWith('/organizations/');

test('nothing of an organization is answered to somebody who has not signed in', async () => {
  const routes = (await everyRoute('demo-clinic')).filter(ofOrganization);
  expect(routes.length).toBeGreaterThan(12);
  for (const { method, path } of routes) {
    const body = method === 'GET' ? {} : { body: {} };
    expect((await new ConsoleClient(app).ask(method, path, body)).status, `${method} ${path}`).toBe(401);
  }
});

test('another organization looks like one that does not exist, by every route', async () => {
  const client = await signedIn(app, keys.demoEdit);
  const routes = (await everyRoute(other.key)).filter(ofOrganization);
  const nowhere = await everyRoute('no-such-clinic');
  for (const [index, { method, path }] of routes.entries()) {
    const body = method === 'GET' ? {} : { body: {} };
    const response = await client.ask(method, path, body);
    expect(response.status, `${method} ${path}`).toBe(404);
    const missing = nowhere.filter(ofOrganization)[index];
    const unknown = await client.ask(missing?.method ?? '', missing?.path ?? '', body);
    expect((await response.text()).replace(other.key, 'x')).toBe(
      (await unknown.text()).replace('no-such-clinic', 'x'),
    );
  }
  const { organizations } = await client.get<{ organizations: { key: string }[] }>('/session');
  expect(organizations.map((one) => one.key)).toEqual(['demo-clinic']);
});

test('ids of another organization open nothing under one’s own', async () => {
  const theirs = new Caller(app);
  await theirs.say('Next Tuesday after lunch, please.');
  await theirs.say('The first one, please.');
  await theirs.say('Yes please. This is Ann Miller.');
  const owner = await signedIn(app, keys.demoEdit);
  const call = await owner.get<{ appointments: { id: string }[] }>(
    `/organizations/demo-clinic/calls/${theirs.callSid}`,
  );
  const appointment = call.appointments[0]?.id ?? '';
  expect(appointment).not.toBe('');
  const stranger = await signedIn(app, keys.otherEdit);
  const at = `/organizations/${other.key}`;
  for (const [method, path] of [
    ['GET', `${at}/calls/${theirs.callSid}`],
    ['POST', `${at}/calls/${theirs.callSid}/reveal`],
    ['POST', `${at}/appointments/${appointment}/reveal`],
    ['POST', `${at}/appointments/${appointment}/cancel`],
  ] as const) {
    expect((await stranger.ask(method, path)).status, path).toBe(404);
  }
  const move = { slotId: 'any', version: crypto.randomUUID() };
  expect((await stranger.ask('POST', `${at}/appointments/${appointment}/move`, { body: move })).status).toBe(
    404,
  );
  const { calls } = await stranger.get<{ calls: unknown[] }>(`${at}/calls`);
  expect(calls).toEqual([]);
  const after = await owner.get<{ appointments: { status: string }[] }>(
    `/organizations/demo-clinic/calls/${theirs.callSid}`,
  );
  expect(after.appointments[0]?.status).toBe('booked');
});

test('a key that may see changes nothing by any route, and opens no call', async () => {
  const client = await signedIn(app, keys.demoSee);
  const routes = (await everyRoute('demo-clinic')).filter(ofOrganization);
  const changing = routes.filter(({ role }) => role === 'edit');
  expect(changing.length).toBeGreaterThan(6);
  for (const { method, path } of changing) {
    expect((await client.ask(method, path, { body: {} })).status, `${method} ${path}`).toBe(403);
  }
  // Whatever is no GET and needs no such key changes nothing but the record of who looked.
  const asking = routes.filter(({ role, method }) => role === 'see' && method !== 'GET');
  const names = asking.map(({ path }) => path.split('/').at(-1));
  expect([...new Set(names)].sort()).toEqual(['reveal', 'try']);
  expect((await client.ask('GET', '/organizations/demo-clinic/slots')).status).toBe(200);
  const turn = await fetch(`${app.url}/vapi/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${keys.demoSee}` },
    body: JSON.stringify({ messages: [{ role: 'user', content: 'Hello' }] }),
  });
  expect(turn.status).toBe(401);
});

test('no change works without the session’s own proof, by any route', async () => {
  const client = await signedIn(app, keys.demoEdit);
  const elsewhere = await signedIn(app, keys.demoEdit);
  const routes = (await everyRoute('demo-clinic')).filter(({ method }) => method !== 'GET');
  for (const { method, path } of routes) {
    if (path === '/session' && method === 'POST') continue;
    for (const proof of ['', 'made up', elsewhere.proof]) {
      const headers = { 'x-holdline-proof': proof };
      const response = await client.ask(method, path, { body: {}, headers });
      expect(response.status, `${method} ${path}`).toBe(403);
    }
  }
});

test('another site’s page is answered by no route, and cannot sign anybody in', async () => {
  const client = await signedIn(app, keys.demoEdit);
  const headers = { 'sec-fetch-site': 'cross-site' };
  for (const { method, path } of (await everyRoute('demo-clinic')).filter(ofOrganization)) {
    const body = method === 'GET' ? {} : { body: {} };
    expect((await client.ask(method, path, { ...body, headers })).status, path).toBe(403);
  }
  const secret = keys.demoEdit;
  expect((await client.ask('POST', '/session', { body: { secret }, headers })).status).toBe(403);
  // A form cannot send JSON.
  const form = await fetch(`${app.url}/console/api/session`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: JSON.stringify({ secret }),
  });
  expect(form.status).toBe(415);
});

test('the cookie is sent in the clear only where no https address was given, whatever asks us behind a tunnel', async () => {
  await using local = await startApp({ publicUrl: 'http://127.0.0.1:8787' });
  const cookieFrom = async (at: { url: string }) =>
    (await new ConsoleClient(at).signIn({ secret: vapiSecret })).headers.getSetCookie()[0];
  expect(await cookieFrom(app)).toMatch(/; Secure/);
  const inTheClear = await cookieFrom(local);
  expect(inTheClear).toMatch(/HttpOnly/);
  expect(inTheClear).not.toMatch(/Secure/);
});

test('the cookie is httpOnly, same-site and ends; a revoked key’s session ends at once', async () => {
  const client = new ConsoleClient(app);
  const response = await client.signIn({ secret: vapiSecret });
  const [cookie = ''] = response.headers.getSetCookie();
  expect(cookie).toMatch(/HttpOnly/);
  expect(cookie).toMatch(/SameSite=Strict/);
  expect(cookie).toMatch(/Expires=/);
  const both = await client.get<{ organizations: { key: string }[] }>('/session');
  expect(both.organizations.map((one) => one.key)).toEqual(['demo-clinic', 'other-clinic']);

  const revoked = await signedIn(app, keys.demoSee);
  expect((await revoked.ask('GET', '/organizations/demo-clinic/calls')).status).toBe(200);
  const key = (await listKeys(app.sql, app.organization.id)).find((one) => one.role === 'see');
  await revokeKey(app.sql, app.organization.id, key?.id ?? '');
  await expect
    .poll(async () => (await revoked.ask('GET', '/organizations/demo-clinic/calls')).status)
    .toBe(401);
});

test('a one-time link signs in once', async () => {
  const code = app.signInPath().replace('/#sign-in=', '');
  const first = await new ConsoleClient(app).signIn({ code });
  expect(await first.json()).toMatchObject({ signedIn: true, who: 'installation', role: 'edit' });
  expect((await new ConsoleClient(app).signIn({ code })).status).toBe(401);
});

test('whoever guesses secrets is slowed down', async () => {
  await using own = await startApp();
  const client = new ConsoleClient(own);
  const statuses: number[] = [];
  for (let attempt = 1; attempt <= 12; attempt += 1)
    statuses.push((await client.signIn({ secret: `wrong ${attempt}` })).status);
  expect(statuses).toEqual([...Array(10).fill(401), 429, 429]);
  expect((await client.signIn({ secret: vapiSecret })).status).toBe(429);
});

test('the page allows nothing from elsewhere and nothing inline', async () => {
  const page = await fetch(app.url);
  const policy = page.headers.get('content-security-policy') ?? '';
  expect(policy).toContain(`default-src 'none'`);
  expect(policy).toContain(`script-src 'self';`);
  expect(policy).not.toContain('unsafe');
  expect(policy).toContain(`frame-ancestors 'none'`);
  expect(await page.text()).not.toMatch(/https?:\/\//);
});

test('the first load is under 200 KB as it is sent', async () => {
  const html = await (await fetch(app.url)).text();
  const files = [...html.matchAll(/(?:src|href)="(\/console\/[^"]+)"/g)].map(([, path = '']) => path);
  expect(files.length).toBeGreaterThan(2);
  let bytes = Buffer.byteLength(html);
  for (const file of files) {
    const response = await fetch(app.url + file, { headers: { 'accept-encoding': 'br' } });
    expect(response.headers.get('cache-control')).toContain('immutable');
    // The client unpacks it; what was sent is in the header.
    bytes += Number(response.headers.get('content-length'));
    await response.arrayBuffer();
  }
  expect(bytes).toBeGreaterThan(5_000);
  expect(bytes).toBeLessThan(200 * 1024);
});

test('what does not fit is refused with a reason, and nothing is a fault of ours', async () => {
  const client = await signedIn(app, keys.demoEdit);
  const at = '/organizations/demo-clinic';
  for (const [method, path, body, status] of [
    ['GET', `${at}/slots?days=400`, undefined, 400],
    ['GET', `${at}/slots?from=yesterday`, undefined, 400],
    ['GET', `${at}/slots?practitioner=nobody`, undefined, 404],
    ['GET', `${at}/calls?before=x`, undefined, 400],
    ['GET', `${at}/calls/${encodeURIComponent('no such call')}`, undefined, 404],
    ['GET', `${at}/nowhere`, undefined, 404],
    ['POST', `${at}/blocks`, { practitioner: 'lee', from: '2030-01-01T10:00', to: '2030-01-01T09:00' }, 422],
    ['POST', `${at}/blocks`, { practitioner: 'lee', from: 'soon', to: 'later' }, 400],
    ['POST', `${at}/appointments/${crypto.randomUUID()}/cancel`, {}, 404],
    ['POST', `${at}/line/turns`, { callSid: 'somebody-elses-call', caller: null, history: [] }, 400],
  ] as const) {
    const response = await client.ask(method, path, body === undefined ? {} : { body });
    expect(response.status, path).toBe(status);
    expect(((await response.json()) as ErrorAnswer).error.message, path).toMatch(/\w+ \w+/);
  }
});
