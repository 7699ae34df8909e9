/** What Google answered, or why it did not. */
export type CalendarAnswer<T> = { ok: true; value: T } | ({ ok: false } & Failure);

export interface Failure {
  reason: /** Nothing came, or a fault of Google's own: later. */
    | 'unreachable'
    /** Later, and more slowly. */
    | 'rate-limited'
    /** The credentials open nothing any more: somebody has to connect again. */
    | 'denied'
    | 'not-found'
    /** A sync token that is forgotten, or an event that is gone. */
    | 'expired'
    | 'exists'
    /** Google understood and will not do it; asking again changes nothing. */
    | 'refused';
  /** For a log and for `npm run calendar`: Google's own words, never a token. */
  message: string;
  /** When Google says how long to wait. */
  retryAfterMs?: number;
}

/** Reads a fault of the client library. The fault itself holds tokens and must not be logged. */
export function failure(error: unknown): Failure {
  const { status, message, reason, retryAfterMs } = facts(error);
  const told = { message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  if (reason === 'invalid_grant' || reason === 'invalid_client' || reason === 'unauthorized_client') {
    return { reason: 'denied', ...told };
  }
  if (status === undefined) return { reason: 'unreachable', ...told };
  if (status === 429 || (status === 403 && /rateLimit|quota/i.test(reason))) {
    return { reason: 'rate-limited', ...told };
  }
  if (status === 401 || status === 403) return { reason: 'denied', ...told };
  if (status === 404) return { reason: 'not-found', ...told };
  if (status === 410) return { reason: 'expired', ...told };
  if (status === 409) return { reason: 'exists', ...told };
  if (status >= 500 || status === 408) return { reason: 'unreachable', ...told };
  return { reason: 'refused', ...told };
}

interface Facts {
  status: number | undefined;
  message: string;
  reason: string;
  retryAfterMs: number | undefined;
}

/** Google's API says `{error: {message, errors: [{reason}]}}`, its token door `{error: 'invalid_grant', …}`. */
function facts(error: unknown): Facts {
  const thrown = error as {
    status?: number;
    code?: unknown;
    message?: string;
    response?: { status?: number; data?: unknown; headers?: { get?(name: string): string | null } };
  };
  const said = thrown.response?.data as
    | { error?: string | { message?: string; errors?: { reason?: string }[] }; error_description?: string }
    | undefined;
  const inner = said?.error;
  const reason = typeof inner === 'string' ? inner : (inner?.errors?.[0]?.reason ?? '');
  const words = typeof inner === 'string' ? (said?.error_description ?? inner) : inner?.message;
  const afterSeconds = Number(thrown.response?.headers?.get?.('retry-after') ?? Number.NaN);
  return {
    status: thrown.response?.status ?? thrown.status,
    message: words ?? String(thrown.code ?? thrown.message ?? 'no answer'),
    reason,
    retryAfterMs: Number.isFinite(afterSeconds) ? afterSeconds * 1_000 : undefined,
  };
}
