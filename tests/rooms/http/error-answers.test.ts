import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningApp, startApp, vapiSecret } from '../../running-app.ts';

let app: RunningApp;
beforeAll(async () => {
  app = await startApp({
    twilio: { accountSid: 'AC0123456789abcdef0123456789abcdef', authToken: 'a-token' },
  });
});
afterAll(() => app[Symbol.asyncDispose]());

const shape = {
  error: { type: expect.stringMatching(/^[a-z_]+_error$/), message: expect.stringMatching(/\w+ \w+/) },
};

/** Open to everybody, or a page that answers a person's browser in words. */
const open = /^\S+ \/($|health|ready|metrics|console\/icon|vapi\/.*completions$)/;

interface Answered {
  status: number;
  body: string;
}

/** Asks with nothing that lets anybody in: a socket's door by the beginning of an upgrade. */
function ask(method: string, path: string, headers: Record<string, string> = {}): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const asking = request(`${app.url}${path}`, { method, headers, agent: false }, (response) => {
      let body = '';
      response.on('data', (bytes: Buffer) => {
        body += bytes.toString();
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    asking.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, body: '' });
    });
    asking.on('error', reject);
    asking.end();
  });
}

const sockets = /^\/(live|retell\/|twilio\/relay)/;
const upgrade = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

test('every door refuses a stranger with the same shape of answer', async () => {
  const doors = app
    .doors()
    .map((door) => door.replace(/:(\w+)|\*/g, 'none'))
    .filter((door) => !/^(HEAD|OPTIONS) /.test(door))
    .filter((door) => !open.test(door) || door.startsWith('POST /vapi'));
  const refused: string[] = [];
  for (const door of doors) {
    const [method = '', path = ''] = door.split(' ');
    const { status, body } = await ask(method, path, sockets.test(path) ? upgrade : {});
    if (status < 400) continue;
    refused.push(door);
    expect(JSON.parse(body), `${door}: ${status}`).toEqual(shape);
  }
  for (const door of ['POST /vapi/events', 'POST /vapi/chat/completions', 'POST /twilio/status', 'GET /live'])
    expect(refused).toContain(door);
  expect(refused.some((door) => door.includes('/retell/'))).toBe(true);
  expect(refused.some((door) => door.includes('/console/api/'))).toBe(true);
});

test.each([
  ['GET /nowhere', 404, 'not_found_error'],
  ['POST /vapi/events', 401, 'authentication_error'],
  ['POST /twilio/messages', 403, 'permission_error'],
] as const)('%s is answered %i, a %s', async (door, status, type) => {
  const [method = '', path = ''] = door.split(' ');
  const answered = await ask(method, path);
  expect(answered.status).toBe(status);
  expect(JSON.parse(answered.body)).toMatchObject({ error: { type } });
});

test('a body that is too large or cannot be read is refused in the same shape', async () => {
  const headers = { authorization: `Bearer ${vapiSecret}` };
  for (const [body, status] of [
    [Buffer.alloc(6 * 2 ** 20, 0x20), 413],
    ['not json', 400],
  ] as const) {
    const response = await fetch(`${app.url}/vapi/events`, { method: 'POST', headers, body });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ ...shape, error: { type: 'invalid_request_error' } });
  }
});
