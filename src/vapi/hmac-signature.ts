import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { sameSecret } from './organization-key.ts';

/** A signature that was presented, and over which bytes. */
export interface Signed {
  headers: IncomingHttpHeaders;
  /** The body as it came, before anybody read it. */
  body: Buffer;
  now: Date;
}

/** Vapi's default name, and the one its examples use. */
const signatureHeaders = ['x-signature', 'x-vapi-signature'];
const timestampHeader = 'x-timestamp';
/** Older deliveries are refused, and those from the future: a copied one cannot be played back later. */
const windowMs = 5 * 60_000;

/** Every form an HMAC credential can be set to; a signature's length says which one it is. */
const forms = (['sha1', 'sha256', 'sha512'] as const).flatMap((algorithm) =>
  (['hex', 'base64'] as const).map((encoding) => ({
    algorithm,
    encoding,
    length: createHmac(algorithm, 'any').digest(encoding).length,
  })),
);

/** What is signed: the time and the body, or the body alone where the credential leaves the time out. */
const payloads: ((timestamp: string | undefined, body: Buffer) => Buffer | undefined)[] = [
  (timestamp, body) =>
    timestamp === undefined ? undefined : Buffer.concat([Buffer.from(`${timestamp}.`), body]),
  (_timestamp, body) => body,
];

/** Whether a request carries a signature at all. */
export function isSigned(headers: IncomingHttpHeaders): boolean {
  return signatureOf(headers) !== undefined;
}

/**
 * Checks Vapi's HMAC headers over the raw bytes (Vapi's HMACAuthenticationPlan): any of its algorithms and encodings,
 * with or without a prefix such as `sha256=`; the time in seconds or milliseconds, within five minutes. A signature
 * without a time is accepted only where no time was signed, and can be played back; set the credential to
 * `{timestamp}.{body}`, its default, to prevent that.
 */
export function signatureFits({ headers, body, now }: Signed, secret: string): boolean {
  const signature = signatureOf(headers);
  const timestamp = single(headers[timestampHeader]);
  if (secret === '' || signature === undefined) return false;
  if (timestamp !== undefined && !isFresh(timestamp, now)) return false;
  return forms
    .filter(({ length }) => length === signature.length)
    .some(({ algorithm, encoding }) =>
      payloads.some((payload) => {
        const signed = payload(timestamp, body);
        if (signed === undefined) return false;
        const expected = createHmac(algorithm, secret).update(signed).digest(encoding);
        return sameSecret(encoding === 'hex' ? signature.toLowerCase() : signature, expected);
      }),
    );
}

function signatureOf(headers: IncomingHttpHeaders): string | undefined {
  const given = signatureHeaders.map((name) => single(headers[name])).find((value) => value !== undefined);
  return given?.replace(/^(?:sha1|sha256|sha512|v\d)[=,]/i, '');
}

function isFresh(timestamp: string, now: Date): boolean {
  if (!/^\d{9,16}(\.\d+)?$/.test(timestamp)) return false;
  const given = Number(timestamp);
  // Seconds have ten digits until the year 2286, milliseconds thirteen.
  const atMs = given < 1e11 ? given * 1_000 : given;
  return Math.abs(now.getTime() - atMs) <= windowMs;
}

function single(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
}
