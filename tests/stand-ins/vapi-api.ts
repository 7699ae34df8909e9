import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { Ajv } from 'ajv';

type Json = Record<string, unknown>;

const validate = new Ajv({ allErrors: true, strict: false }).compile(
  JSON.parse(readFileSync(join(import.meta.dirname, 'vapi-assistant.schema.json'), 'utf8')) as object,
);

/**
 * Vapi's assistants as its API serves them: a PATCH replaces each top-level block it names, is checked against the
 * committed schema, and what comes back has defaults in it that nobody sent.
 */
export interface VapiApi extends AsyncDisposable {
  url: string;
  readonly key: string;
  assistants: Map<string, Json>;
  /** What was asked, e.g. `PATCH /assistant/a1`, with the body. */
  asked: { what: string; body: Json | undefined }[];
  /** What it does instead of answering, for as many requests as are listed. */
  trouble: (number | 'silent' | { slowMs: number } | 'nonsense')[];
  /** Takes changes without showing them, as an assistant whose edits wait to be published. */
  holdsBack: boolean;
}

export async function openVapiApi(): Promise<VapiApi> {
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const json = body === '' ? undefined : (JSON.parse(body) as Json);
    api.asked.push({ what: `${request.method} ${request.url}`, body: json });
    const trouble = api.trouble.shift();
    if (trouble === 'silent') return;
    if (trouble === 'nonsense') return send(response, 200, 'welcome');
    if (typeof trouble === 'number') return send(response, trouble, { message: `trouble ${trouble}` });
    if (trouble !== undefined) await setTimeout(trouble.slowMs);
    if (request.headers.authorization !== `Bearer ${api.key}`)
      return send(response, 401, { message: 'Invalid Key' });
    const id = /^\/assistant\/([^/?]+)$/.exec(request.url ?? '')?.[1] ?? '';
    const assistant = api.assistants.get(id);
    if (assistant === undefined)
      return send(response, 404, { message: `Couldn't Get Assistant. ${id} Not Found.` });
    if (request.method !== 'PATCH') return send(response, 200, { ...withDefaults(assistant), id });
    if (!validate(json)) {
      const message = (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
      return send(response, 400, { message, error: 'Bad Request', statusCode: 400 });
    }
    if (!api.holdsBack) api.assistants.set(id, { ...assistant, ...json });
    return send(response, 200, { ...withDefaults({ ...assistant, ...json }), id });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const api: VapiApi = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    key: 'a-vapi-key-only-for-tests',
    assistants: new Map(),
    asked: [],
    trouble: [],
    holdsBack: false,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
  return api;
}

/** What Vapi adds to an assistant by itself. */
function withDefaults(assistant: Json): Json {
  const told = structuredClone(assistant);
  const model = told['model'] as { tools?: Json[] } | undefined;
  for (const tool of model?.tools ?? []) {
    for (const destination of (tool['destinations'] ?? []) as Json[])
      destination['numberE164CheckEnabled'] ??= true;
    if (tool['type'] === 'function') (tool['function'] as Json)['strict'] ??= false;
  }
  if (Array.isArray(told['serverMessages'])) told['serverMessages'].reverse();
  return { orgId: 'org-1', createdAt: '2026-11-01T00:00:00Z', updatedAt: new Date().toISOString(), ...told };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
