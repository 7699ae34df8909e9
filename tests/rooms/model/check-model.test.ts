import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { checkModel } from '#model/check-model.ts';

const settings = { key: 'OPENAI_API_KEY', url: 'OPENAI_BASE_URL', model: 'LLM_MODEL' };

/** What is said in the log about a provider that answers its list of models like this. */
async function said(
  answer: { status: number; body: string } | 'gone',
): Promise<{ asked: string[]; log: string }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    if (answer === 'gone') return void request.socket.destroy();
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const lines: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  await checkModel({ apiKey: 'a-key', model: 'some-model', baseUrl, settings, log });
  return { asked, log: lines.join('') };
}

test('a model that is there is said to be', async () => {
  const { asked, log } = await said({ status: 200, body: '{"id":"some-model","object":"model"}' });
  expect(asked).toEqual(['GET /v1/models/some-model Bearer a-key']);
  expect(log).toContain('the model is there');
});

test.each([
  [401, 'check OPENAI_API_KEY'],
  [403, 'check OPENAI_API_KEY'],
  [404, 'check LLM_MODEL'],
  [422, 'answered a first question with an error'],
])('a refusal with %i names what to change', async (status, what) => {
  const { log } = await said({ status, body: '{"error":{"message":"no"}}' });
  expect(log).toContain(what);
  expect(log).not.toContain('a-key');
});

test('a server that hangs up is asked once more, and then its url is doubted', async () => {
  const { asked, log } = await said('gone');
  expect(asked).toHaveLength(2);
  expect(log).toContain('check OPENAI_BASE_URL');
});

test('garbage fails nobody', async () => {
  const { log } = await said({ status: 200, body: '<html>' });
  expect(log).toMatch(/the model is there|cannot be read/);
});
