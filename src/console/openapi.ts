import { z } from 'zod';
import { apiPrefix, cookieName, type DescribedRoute, proofHeader } from './route.ts';

/** The API in OpenAPI 3.1, made from the very schemas that its routes parse and answer by. */
export function openApi(routes: DescribedRoute[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = `${apiPrefix}${route.path}`.replace(/:(\w+)/g, '{$1}');
    paths[path] ??= {};
    paths[path][route.method.toLowerCase()] = operation(route);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Holdline console',
      version: '1',
      description: `Everything the console’s pages do. Sign in by POST ${apiPrefix}/session; send the proof it answers in ${proofHeader} with every request that is not a GET.`,
    },
    paths,
    components: {
      securitySchemes: {
        session: { type: 'apiKey', in: 'cookie', name: cookieName },
        proof: { type: 'apiKey', in: 'header', name: proofHeader },
      },
    },
  };
}

function operation({ method, path, summary, role, params, query, body, answer }: DescribedRoute): object {
  const named = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: params.shape[name] === undefined ? { type: 'string' } : schemaOf(params.shape[name]),
  }));
  const asked = Object.entries(query.shape).map(([name, schema]) => ({
    name,
    in: 'query',
    required: !schema.safeParse(undefined).success,
    schema: schemaOf(schema),
  }));
  const refused = {
    description: 'Refused, and why',
    content: {
      'application/json': { schema: errorSchema },
    },
  };
  return {
    summary,
    ...(role === 'nobody'
      ? {}
      : {
          description: role === 'edit' ? 'Needs a key that may edit.' : 'Any key of the organization.',
          security: [method === 'GET' ? { session: [] } : { session: [], proof: [] }],
        }),
    parameters: [...named, ...asked],
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body) } } } }),
    responses: {
      200:
        answer === null
          ? { description: 'A stream of server-sent events', content: { 'text/event-stream': {} } }
          : { description: 'Done', content: { 'application/json': { schema: schemaOf(answer) } } },
      '4XX': refused,
    },
  };
}

function schemaOf(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Record<
    string,
    unknown
  >;
  return rest;
}

/** `ErrorAnswer` as a schema. */
const errorSchema = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['type', 'message'],
      properties: { type: { type: 'string' }, message: { type: 'string' }, code: { type: 'string' } },
    },
  },
};
