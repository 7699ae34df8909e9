import { randomUUID } from 'node:crypto';
import { fillSlots } from '#availability/slot-upkeep.ts';
import { openDirectory } from '#organization/directory.ts';
import { makeKey } from '#organization/keys.ts';
import type { Organization } from '#organization/organization.ts';
import { inTenant } from '#storage/postgres.ts';
import { createLog } from '#telemetry/log.ts';
import type { RunningApp } from './running-app.ts';

/** Somebody's browser, signed in or not: keeps the cookie and sends the proof, unless told to leave one out. */
export class ConsoleClient {
  readonly #app: { url: string };
  cookie = '';
  proof = '';

  constructor(app: { url: string }) {
    this.#app = app;
  }

  async signIn(body: { secret: string } | { code: string }): Promise<Response> {
    const response = await this.ask('POST', '/session', { body });
    const [cookie = ''] = response.headers.getSetCookie();
    if (response.ok) {
      this.cookie = cookie.split(';')[0] ?? '';
      this.proof = ((await response.clone().json()) as { proof: string }).proof;
    }
    return response;
  }

  ask(
    method: string,
    path: string,
    { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Response> {
    return fetch(`${this.#app.url}/console/api${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(this.cookie === '' ? {} : { cookie: this.cookie }),
        ...(this.proof === '' ? {} : { 'x-holdline-proof': this.proof }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async get<T>(path: string): Promise<T> {
    const response = await this.ask('GET', path);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }
}

/** A second organization beside the demo clinic, with a practitioner and slots, and a key of each role for both. */
export async function secondClinic(app: RunningApp): Promise<{
  other: Organization;
  keys: { demoSee: string; demoEdit: string; otherEdit: string };
}> {
  const { sql, organization } = app;
  const id = randomUUID();
  await inTenant(sql, id, async (tx) => {
    await tx`
      insert into organizations (id, key, name, zone, schedule)
      values (${id}, 'other-clinic', 'the other clinic', 'UTC', ${tx.json(organization.schedule as never)})`;
    await tx`
      insert into practitioners (tenant_id, key, name, spoken_name)
      values (${id}, 'ada', 'Dr. Ada', 'Doctor Ada')`;
  });
  await using directory = await openDirectory({ sql, log: createLog({ level: 'silent', pretty: false }) });
  const other = directory.named('other-clinic');
  if (other === undefined) throw new Error('the other clinic is missing');
  await fillSlots(sql, other, new Date());
  const key = async (tenantId: string, role: 'see' | 'edit') =>
    (await makeKey(sql, tenantId, { label: `may ${role}`, role })).key;
  const keys = {
    demoSee: await key(organization.id, 'see'),
    demoEdit: await key(organization.id, 'edit'),
    otherEdit: await key(other.id, 'edit'),
  };
  return { other, keys };
}

/** Signs in, waiting for the process to have heard of a key that was made a moment ago. */
export async function signedIn(app: RunningApp, secret: string): Promise<ConsoleClient> {
  const client = new ConsoleClient(app);
  for (let attempt = 1; ; attempt += 1) {
    const response = await client.signIn({ secret });
    if (response.ok) return client;
    if (attempt === 8) throw new Error(`${response.status}: ${await response.text()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
