import fc from 'fast-check';
import twilio from 'twilio';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { demoClinic } from '#organization/demo-clinic.ts';
import { ConsoleClient } from '../console-client.ts';
import { mutations } from '../mutations.ts';
import { Caller, type RunningApp, startApp, vapiSecret } from '../running-app.ts';

const account = { accountSid: 'AC0123456789abcdef0123456789abcdef', authToken: 'a-token-only-for-tests' };

let app: RunningApp;
let staff: ConsoleClient;
beforeAll(async () => {
  app = await startApp({ twilio: account });
  staff = new ConsoleClient(app);
  await staff.signIn({ secret: vapiSecret });
});
afterAll(() => app[Symbol.asyncDispose]());

const text = {
  AccountSid: account.accountSid,
  MessageSid: 'SM0123456789abcdef0123456789abcdef',
  From: '+12125550142',
  To: '+15550100000',
};
const forms = {
  [`/twilio/status?tenant=${demoClinic.id}&text=${demoClinic.id}`]: {
    ...text,
    MessageStatus: 'delivered',
    ErrorCode: '30003',
  },
  '/twilio/messages': { ...text, Body: 'STOP', NumMedia: '0' },
  '/twilio/voice': {
    AccountSid: account.accountSid,
    CallSid: 'CA1',
    From: '+12125550142',
    To: '+15550100000',
  },
  '/twilio/after': { AccountSid: account.accountSid, CallSid: 'CA1', HandoffData: '{"reason":"transfer"}' },
};

/** A form as Twilio signs it, whatever stands in it. */
async function sendForm(path: string, bytes: Buffer): Promise<number> {
  const form = Object.fromEntries(new URLSearchParams(bytes.toString('utf8')));
  const signature = twilio.getExpectedTwilioSignature(
    account.authToken,
    `https://holdline.example${path}`,
    form,
  );
  const response = await fetch(`${app.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-twilio-signature': signature },
    body: new Uint8Array(bytes),
  });
  await response.arrayBuffer();
  return response.status;
}

async function sendJson(method: string, path: string, bytes: Buffer): Promise<number> {
  const response = await fetch(`${app.url}${path}`, {
    method,
    headers: { 'content-type': 'application/json', cookie: staff.cookie, 'x-holdline-proof': staff.proof },
    body: new Uint8Array(bytes),
  });
  await response.arrayBuffer();
  return response.status;
}

interface Request {
  door: string;
  send: () => Promise<number>;
}

const formRequests = fc
  .constantFrom(...Object.entries(forms))
  .chain(([path, form]) =>
    mutations(form, formOf).map(
      (bytes): Request => ({ door: `POST ${path.split('?')[0]}`, send: () => sendForm(path, bytes) }),
    ),
  );

/** Google says everything in headers; its body is empty, as far as it keeps to its word. */
const notifications = fc
  .tuple(
    mutations({ kind: 'api#channel' }),
    fc.array(fc.stringMatching(/^[!-~]{1,40}$/), { minLength: 4, maxLength: 4 }),
    fc.constantFrom('sync', 'exists', 'not_exists', 'x'),
  )
  .map(
    ([bytes, [channel = '', token = '', resource = '', number = ''], state]): Request => ({
      door: 'POST /google/notifications',
      send: async () => {
        const response = await fetch(`${app.url}/google/notifications`, {
          method: 'POST',
          headers: {
            'x-goog-channel-id': channel,
            'x-goog-channel-token': token,
            'x-goog-resource-id': resource,
            'x-goog-message-number': number,
            'x-goog-resource-state': state,
          },
          body: new Uint8Array(bytes),
        });
        await response.arrayBuffer();
        return response.status;
      },
    }),
  );

/** The console's own description, so that a route that is added is tried too. */
async function consoleRequests(): Promise<fc.Arbitrary<Request>> {
  const { paths } = await staff.get<{ paths: Record<string, Record<string, Operation>> }>('/openapi.json');
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) =>
      // Signing out would only show that nobody is signed in.
      method === 'get' || (method === 'delete' && path.endsWith('/session'))
        ? []
        : [{ path, method: method.toUpperCase(), operation }],
    ),
  );
  return fc.constantFrom(...routes).chain(({ path, method, operation }) => {
    const schema = operation.requestBody?.content['application/json'].schema;
    return fc
      .tuple(fc.string({ maxLength: 12 }), fc.boolean(), mutations(sample(schema)))
      .map(([odd, own, bytes]): Request => {
        const whole = path.replaceAll(/\{(\w+)\}/g, (_, name) =>
          name === 'organization'
            ? 'demo-clinic'
            : own
              ? '0d3c11c0-0000-4000-8000-0000000000a1'
              : encodeURIComponent(odd),
        );
        const at = whole.startsWith('/console') ? whole : `/console/api${whole}`;
        return {
          door: `${method} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
          send: () => sendJson(method, at, bytes),
        };
      });
  });
}

function formOf(tree: unknown): Buffer {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(tree ?? {}))
    form.append(name, typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
  return Buffer.from(form.toString());
}

interface Operation {
  requestBody?: { content: { 'application/json': { schema: Schema } } };
}
interface Schema {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
}

/** Something that fits a schema, as far as its types say. */
function sample(schema: Schema | undefined): unknown {
  if (schema === undefined) return {};
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  const choice = schema.anyOf?.[0] ?? schema.oneOf?.[0];
  if (choice !== undefined) return sample(choice);
  if (schema.type === 'object')
    return Object.fromEntries(
      Object.entries(schema.properties ?? {}).map(([name, one]) => [name, sample(one)]),
    );
  if (schema.type === 'array') return [sample(schema.items)];
  return { string: '2026-12-01T15:00:00Z', number: 1, integer: 1, boolean: true, null: null }[
    schema.type ?? 'string'
  ];
}

const atOnce = 20;
const rounds = 60;

test('mutated bodies at the hooks and the console: an answer each, never a fault of ours', async () => {
  const tried = new Set<string>();
  const request = fc.oneof(formRequests, notifications, await consoleRequests());
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: atOnce, maxLength: atOnce }), async (requests) => {
      const statuses = await Promise.all(requests.map(({ send }) => send()));
      for (const [index, { door }] of requests.entries()) {
        tried.add(door.replace(/ (\/console\/api)?/, ' '));
        expect(statuses[index], door).toBeLessThan(500);
      }
    }),
    { numRuns: rounds, endOnFailure: true },
  );
  const vapis = /^POST \/(vapi|tools)\//;
  const taking = app.doors().filter((door) => /^(POST|PUT|PATCH|DELETE) /.test(door) && !vapis.test(door));
  const untried = taking.map((door) => door.replace('/console/api', '')).filter((door) => !tried.has(door));
  expect(untried).toEqual(['DELETE /session']);

  const caller = new Caller(app);
  expect(await caller.say('Next Tuesday, please.')).toMatch(/Tuesday/);
}, 120_000);
