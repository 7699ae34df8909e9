/** Why a message did not go out, or was not delivered. */
export type SmsProblem =
  /** Nobody's number, or none that texts can reach. */
  | 'invalid_number'
  | 'landline'
  /** The person answered STOP. */
  | 'opted_out'
  /** The account may not send to that country. */
  | 'country_not_allowed'
  /** The carrier or the person's telephone refuses it. */
  | 'blocked'
  /** Anything else that the provider will not do. */
  | 'refused'
  /** The provider or a carrier on the way is too busy. */
  | 'rate_limited'
  /** Our account or its settings: somebody must mend them. */
  | 'account'
  | 'unavailable';

/**
 * Twilio's error codes that decide something (https://www.twilio.com/docs/api/errors). Those from 30000 on come with
 * the status of a message it had accepted; the others refuse the request.
 */
const codes: Record<number, SmsProblem> = {
  20003: 'account',
  20404: 'account',
  20429: 'rate_limited',
  21211: 'invalid_number',
  21214: 'invalid_number',
  21217: 'invalid_number',
  21408: 'country_not_allowed',
  21421: 'invalid_number',
  21601: 'account',
  21603: 'account',
  21606: 'account',
  21610: 'opted_out',
  21611: 'rate_limited',
  21612: 'refused',
  21614: 'landline',
  21617: 'refused',
  21659: 'account',
  21660: 'account',
  21703: 'account',
  21704: 'account',
  30001: 'rate_limited',
  30002: 'account',
  30003: 'blocked',
  30004: 'blocked',
  30005: 'invalid_number',
  30006: 'landline',
  30007: 'blocked',
  30008: 'blocked',
  30010: 'account',
  30017: 'rate_limited',
  30022: 'rate_limited',
  30023: 'rate_limited',
  30034: 'account',
};

/** What an error code means; nothing when it is none that decides anything. */
export function problemOf(code: number | undefined): SmsProblem | undefined {
  return code === undefined ? undefined : codes[code];
}

/** What a refused request means: by its code, else by its HTTP status. */
export function refusalOf(status: number, code: number | undefined): SmsProblem {
  const known = problemOf(code);
  if (known !== undefined) return known;
  if (status === 429) return 'rate_limited';
  if (status === 401 || status === 403 || status === 404) return 'account';
  if (status >= 500 || status === 408) return 'unavailable';
  return 'refused';
}
