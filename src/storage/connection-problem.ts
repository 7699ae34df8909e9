import type { Sql } from 'postgres';

/**
 * What to tell whoever started us when a database cannot be used: which setting, which host, and what to do; never
 * the password.
 *
 * @param setting the variable that holds the url
 */
export function connectionProblem(error: unknown, sql: Sql, setting: string): Error {
  const { host, port, database, user } = sql.options;
  const place = host.map((name, index) => `${name}:${port[index] ?? port[0]}`).join(', ');
  const { code = '', message = '' } = error as { code?: string; message?: string };
  return new Error(`${setting}: ${explain({ code, message, place, database, user })}`, { cause: error });
}

interface Problem {
  code: string;
  message: string;
  place: string;
  database: string;
  user: string;
}

function explain({ code, message, place, database, user }: Problem): string {
  if (unreachable.has(code)) {
    return `nothing answers at ${place} (${code}); check the address, and that Postgres runs there`;
  }
  switch (code) {
    case '28P01':
    case '28000':
      return `Postgres at ${place} refuses the user ${user} (${message}); check the user and the password`;
    case '3D000':
      return `there is no database ${database} at ${place}; create it, or correct its name`;
    default:
      return `the database at ${place} cannot be used (${message || code}); check the url, and that Postgres runs there`;
  }
}

const unreachable = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT'],
  ...['ENOENT', 'EPIPE', 'CONNECT_TIMEOUT', 'CONNECTION_CLOSED', 'CONNECTION_DESTROYED', 'CONNECTION_ENDED'],
]);
