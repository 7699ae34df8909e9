import { randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { answerError } from '#http/error-answer.ts';
import { type Asset, type Bundle, bundlePages } from './bundle.ts';

/** One year: a file under a name with its hash in it never changes. */
const forever = 'public, max-age=31536000, immutable';

/** The pages: one document at `/`, and its files under `/console/assets/`. They are made when first asked for. */
export function pages(http: FastifyInstance): { prepare: () => Promise<void> } {
  let bundling: Promise<Bundle> | undefined;
  const bundle = () => {
    bundling ??= bundlePages().catch((error: unknown) => {
      bundling = undefined;
      throw error;
    });
    return bundling;
  };

  http.get('/', async (_request, reply) => {
    const { script, style, preload } = await bundle();
    // The editor makes its style sheet while it runs; the nonce says that it is ours.
    const nonce = randomBytes(16).toString('base64');
    return reply
      .headers(documentHeaders(nonce))
      .type('text/html; charset=utf-8')
      .send(document({ script, style, preload, nonce }));
  });
  http.get('/console/icon.svg', async (_request, reply) =>
    reply.headers(securityHeaders).header('cache-control', forever).type('image/svg+xml').send(icon),
  );
  http.get<{ Params: { name: string } }>('/console/assets/:name', async (request, reply) => {
    const asset = (await bundle()).assets.get(request.params.name);
    if (asset === undefined) return answerError(reply, 404, 'there is no such file; reload the page');
    return send(request, reply, asset);
  });
  return {
    async prepare() {
      await bundle();
    },
  };
}

/** What every answer of the console carries, the API's too. */
export const securityHeaders = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

function documentHeaders(nonce: string): Record<string, string> {
  return {
    ...securityHeaders,
    'cache-control': 'no-store',
    'permissions-policy': 'camera=(), geolocation=(), microphone=(self)',
    'content-security-policy': [
      `default-src 'none'`,
      `script-src 'self'`,
      `style-src 'self' 'nonce-${nonce}'`,
      `img-src 'self' data:`,
      `connect-src 'self'`,
      `base-uri 'none'`,
      `form-action 'none'`,
      `frame-ancestors 'none'`,
      `require-trusted-types-for 'script'`,
    ].join('; '),
  };
}

function document(parts: { script: string; style: string; preload: string[]; nonce: string }): string {
  const at = (name: string) => `/console/assets/${name}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="style-nonce" content="${parts.nonce}">
<title>Holdline</title>
<link rel="icon" href="/console/icon.svg">
<link rel="stylesheet" href="${at(parts.style)}">
${parts.preload.map((name) => `<link rel="modulepreload" href="${at(name)}">`).join('\n')}
<script type="module" src="${at(parts.script)}"></script>
</head>
<body>
<div id="page"><noscript>The console needs JavaScript.</noscript></div>
</body>
</html>
`;
}

function send(request: FastifyRequest, reply: FastifyReply, asset: Asset): FastifyReply {
  const accepted = String(request.headers['accept-encoding'] ?? '');
  const encoding = /\bbr\b/.test(accepted) ? 'brotli' : /\bgzip\b/.test(accepted) ? 'gzip' : 'plain';
  reply.headers(securityHeaders).header('cache-control', forever).header('vary', 'accept-encoding');
  if (encoding !== 'plain') reply.header('content-encoding', encoding === 'brotli' ? 'br' : 'gzip');
  return reply.type(asset.contentType).send(asset[encoding]);
}

const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#0f766e"/><path d="M10 8v16M22 8v16M10 16h12" stroke="#fff" stroke-width="3.4" stroke-linecap="round"/></svg>`;
