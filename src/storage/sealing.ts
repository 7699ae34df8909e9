import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

/**
 * Keeps secrets unreadable at rest, and signs what goes through others' hands. What is sealed or signed names what it
 * is about: put elsewhere, e.g. into another organization's row, it opens nothing.
 */
export interface Sealer {
  seal(text: string, about: string): Buffer;
  /** Nothing when it was sealed with another key, about something else, or changed since. */
  open(sealed: Uint8Array, about: string): string | undefined;
  sign(about: string): string;
  isSigned(about: string, signature: string): boolean;
}

/** Bytes of AES-GCM's nonce and tag. A nonce is random: far fewer secrets are sealed than would make two meet. */
const nonceBytes = 12;
const tagBytes = 16;

/** @param key 32 bytes; each use gets a key of its own made from it */
export function createSealer(key: Uint8Array): Sealer {
  const keyFor = (use: string) => Buffer.from(hkdfSync('sha256', key, '', `holdline ${use}`, 32));
  const [sealing, signing] = [keyFor('sealing'), keyFor('signing')];
  const sign = (about: string) => createHmac('sha256', signing).update(about).digest('base64url');
  return {
    seal(text, about) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', sealing, nonce).setAAD(Buffer.from(about));
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), body]);
    },
    open(sealed, about) {
      const bytes = Buffer.from(sealed);
      if (bytes.length < nonceBytes + tagBytes) return undefined;
      try {
        const decipher = createDecipheriv('aes-256-gcm', sealing, bytes.subarray(0, nonceBytes))
          .setAAD(Buffer.from(about))
          .setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
        const body = bytes.subarray(nonceBytes + tagBytes);
        return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
      } catch {
        return undefined;
      }
    },
    sign,
    isSigned(about, signature) {
      const [given, right] = [Buffer.from(signature), Buffer.from(sign(about))];
      return given.length === right.length && timingSafeEqual(given, right);
    },
  };
}
