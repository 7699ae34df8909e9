import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { CalendarAccessOptions } from '#jobs/calendar-access.ts';
import type { ModelPlaces } from '#model/open-model.ts';
import type { TwilioOptions } from '#sms/twilio.ts';
import { keptSecret } from '#storage/data-directory.ts';
import type { LedgerPlace } from '#storage/open-ledger.ts';

/** What the environment says about this process. Read once at start and handed down in slices. */
export type Config = z.output<typeof environment>;

/** The shipped templates and migrations stand beside `src`. */
export const promptsFolder = fileURLToPath(new URL('../prompts', import.meta.url));
export const migrationsFolder = fileURLToPath(new URL('../migrations', import.meta.url));

/**
 * Reads the configuration from environment variables (the tables in docs/environment.md). An empty variable counts as absent.
 *
 * @throws ConfigurationError naming every problem at once, each with what to do
 */
export function readConfig(env: Record<string, string | undefined> = process.env): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value?.trim() !== ''));
  const read = environment.safeParse(given);
  if (read.success) return read.data;
  const problems = read.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
  throw new ConfigurationError(
    `The configuration has problems; correct these variables:\n${problems.join('\n')}`,
  );
}

/** Where the ledger is, by this configuration. */
export function ledgerPlaceOf(config: Config): LedgerPlace {
  return {
    databaseUrl: config.DATABASE_URL,
    migrateUrl: config.MIGRATE_DATABASE_URL,
    dataDir: config.DATA_DIR,
    migrationsFolder,
  };
}

/** The models that answer, by this configuration; without any the rehearsal model does. */
export function modelPlacesOf(config: Config): ModelPlaces {
  const { OPENAI_API_KEY, OPENAI_BASE_URL, FALLBACK_LLM_MODEL } = config;
  const place = (prefix: '' | 'FALLBACK_', model: string) => ({
    apiKey: config[`${prefix}OPENAI_API_KEY`],
    baseUrl: config[`${prefix}OPENAI_BASE_URL`],
    model,
    settings: {
      key: `${prefix}OPENAI_API_KEY`,
      url: `${prefix}OPENAI_BASE_URL`,
      model: `${prefix}LLM_MODEL`,
    },
  });
  const rehearses = OPENAI_API_KEY === undefined && OPENAI_BASE_URL === undefined;
  return {
    first: rehearses ? undefined : place('', config.LLM_MODEL ?? 'gpt-4.1'),
    second: FALLBACK_LLM_MODEL === undefined ? undefined : place('FALLBACK_', FALLBACK_LLM_MODEL),
    rehearsal: { model: config.REHEARSAL_MODEL, seed: config.REHEARSAL_SEED },
  };
}

/** The way to Google Calendar, by this configuration; there is none without a key to encrypt credentials with. */
export function calendarOptions(config: Config): CalendarAccessOptions | undefined {
  if (config.ENCRYPTION_KEY === undefined) return undefined;
  return {
    encryptionKey: config.ENCRYPTION_KEY,
    clientId: config.GOOGLE_CLIENT_ID,
    clientSecret: config.GOOGLE_CLIENT_SECRET,
    baseUrl: config.GOOGLE_BASE_URL,
    cron: config.GOOGLE_CALENDAR_SYNC_CRON,
  };
}

/** The secrets doors are opened with: configured, or made on the first start and kept in the data directory. */
export async function readSecrets(config: Config): Promise<{ vapiSecret: string; demoKey: string }> {
  const make = () => randomBytes(24).toString('base64url');
  return {
    vapiSecret: config.VAPI_SECRET ?? (await keptSecret(config.DATA_DIR, 'vapi-secret', make)),
    demoKey: config.DEMO_KEY ?? (await keptSecret(config.DATA_DIR, 'demo-key', make)),
  };
}

/** The Twilio account texts are sent with; nothing when texts are recorded and not sent. */
export function twilioAccount(config: Config): Omit<TwilioOptions, 'timeoutMs'> | undefined {
  const { TWILIO_ACCOUNT_SID: accountSid, TWILIO_AUTH_TOKEN: authToken, TWILIO_FROM: from } = config;
  if (accountSid === undefined || authToken === undefined || from === undefined) return undefined;
  return { accountSid, authToken, from, baseUrl: config.TWILIO_BASE_URL };
}

class ConfigurationError extends Error {
  override name = 'ConfigurationError';
}

const port = z.coerce
  .number({ error: 'is not a number; use a port from 0 (any free one) to 65535' })
  .int('is not a whole number; use a port from 0 (any free one) to 65535')
  .min(0, 'is negative; use a port from 0 (any free one) to 65535')
  .max(65535, 'is above 65535; use a port from 0 (any free one) to 65535');

function urlOf(protocols: string[], example: string) {
  return z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol), {
    error: `is not a url of the form ${example}`,
  });
}

const postgresUrl = urlOf(['postgres:', 'postgresql:'], 'postgres://user:password@host:5432/database');
const webUrl = urlOf(['http:', 'https:'], 'https://example.com');

/** Shorter ones can be guessed; the secret opens the whole installation. */
const secret = z.string().min(16, 'is shorter than 16 characters; make one with: openssl rand -base64 24');

/** Fields of digits, lists, ranges and steps; the queue's own parser has the last word. */
const cronLine = /^\s*([\d*/,-]+\s+){4}[\d*/,-]+\s*$/;

function encryptionKey(text: string): Buffer {
  return Buffer.from(text, /^[0-9a-f]{64}$/i.test(text) ? 'hex' : 'base64');
}

function isEncryptionKey(text: string): boolean {
  return encryptionKey(text).length === 32;
}

const environment = z
  .object({
    HOST: z.string().default('127.0.0.1'),
    PORT: port.default(8787),
    PUBLIC_URL: webUrl.transform((url) => url.replace(/\/+$/, '')).optional(),
    TRUST_PROXY: z.stringbool({ error: 'is neither on nor off; use on or off' }).default(false),
    DATABASE_URL: postgresUrl.optional(),
    MIGRATE_DATABASE_URL: postgresUrl.optional(),
    DATA_DIR: z.string().default('.data'),
    REDIS_URL: urlOf(['redis:', 'rediss:'], 'redis://host:6379').optional(),
    CLAIM_LOCK: z.stringbool({ error: 'is neither on nor off; use on or off' }).default(true),
    OPENAI_API_KEY: z.string().optional(),
    OPENAI_BASE_URL: webUrl.optional(),
    LLM_MODEL: z.string().optional(),
    FALLBACK_OPENAI_API_KEY: z.string().optional(),
    FALLBACK_OPENAI_BASE_URL: webUrl.optional(),
    FALLBACK_LLM_MODEL: z.string().optional(),
    LLM_FIRST_WORD_MS: z.coerce
      .number({ error: 'is not a number; use milliseconds, e.g. 4000' })
      .min(200, 'is too short for any model; use milliseconds, e.g. 4000')
      .max(15_000, 'is later than the platform waits (20 s); use at most 15000')
      .default(4_000),
    REHEARSAL_MODEL: z
      .enum(['careful', 'careless'], { error: 'is neither careful nor careless; use one of the two' })
      .default('careful'),
    REHEARSAL_SEED: z.coerce.number({ error: 'is not a number; use e.g. 1' }).default(1),
    VAPI_API_KEY: z.string().optional(),
    VAPI_ASSISTANT_ID_BOOKING: z.string().optional(),
    VAPI_BASE_URL: webUrl.default('https://api.vapi.ai'),
    VAPI_CONTROL_HOSTS: z
      .string()
      .transform((hosts) => hosts.split(',').map((host) => host.trim()))
      .pipe(z.array(z.hostname('is not a list of host names; use e.g. vapi.ai,vapi.example.com')))
      .default(['vapi.ai']),
    TWILIO_ACCOUNT_SID: z
      .string()
      .regex(
        /^AC[0-9a-fA-F]{32}$/,
        'is no account id; it begins with AC and stands on the first page of Twilio’s console',
      )
      .optional(),
    TWILIO_AUTH_TOKEN: z.string().optional(),
    TWILIO_FROM: z
      .string()
      .regex(
        /^(\+[1-9]\d{4,14}|MG[0-9a-fA-F]{32})$/,
        'is neither a number like +15550100000 nor a messaging service’s id (MG…)',
      )
      .optional(),
    TWILIO_BASE_URL: webUrl.optional(),
    GOOGLE_CLIENT_ID: z.string().optional(),
    GOOGLE_CLIENT_SECRET: z.string().optional(),
    GOOGLE_BASE_URL: webUrl.optional(),
    GOOGLE_CALENDAR_SYNC_CRON: z
      .string()
      .regex(cronLine, 'is not five fields of a cron line (UTC); use e.g. 0 * * * * for every hour')
      .default('0 * * * *'),
    ENCRYPTION_KEY: z
      .string()
      .refine(isEncryptionKey, 'is not 32 bytes in base64 or hex; make one with: openssl rand -base64 32')
      .transform(encryptionKey)
      .optional(),
    WORKER: z.stringbool({ error: 'is neither on nor off; use on or off' }).default(true),
    VAPI_SECRET: secret.optional(),
    DEMO_KEY: secret.optional(),
    LOG_LEVEL: z
      .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
        error: 'is not a level; use one of fatal, error, warn, info, debug, trace, silent',
      })
      .default('info'),
  })
  .check((context) => {
    const { value, issues } = context;
    const complain = (path: string, message: string) =>
      issues.push({ code: 'custom', input: value, path: [path], message });
    if (value.MIGRATE_DATABASE_URL !== undefined && value.DATABASE_URL === undefined) {
      complain(
        'MIGRATE_DATABASE_URL',
        'is set without DATABASE_URL; set both, or neither for the embedded database',
      );
    }
    if (
      value.LLM_MODEL !== undefined &&
      value.OPENAI_API_KEY === undefined &&
      value.OPENAI_BASE_URL === undefined
    ) {
      complain(
        'LLM_MODEL',
        'is set without OPENAI_API_KEY or OPENAI_BASE_URL; set one, or neither to rehearse',
      );
    }
    if (value.OPENAI_BASE_URL !== undefined && value.LLM_MODEL === undefined) {
      complain('OPENAI_BASE_URL', 'is set without LLM_MODEL; name the model this server should be asked for');
    }
    const twilio = ['TWILIO_ACCOUNT_SID', 'TWILIO_AUTH_TOKEN', 'TWILIO_FROM'] as const;
    if (twilio.some((name) => value[name] !== undefined)) {
      for (const name of twilio) {
        if (value[name] === undefined)
          complain(name, 'is missing; set all three TWILIO_… variables, or none');
      }
    }
    const google = ['GOOGLE_CLIENT_ID', 'GOOGLE_CLIENT_SECRET', 'ENCRYPTION_KEY'] as const;
    if (value.GOOGLE_CLIENT_ID !== undefined || value.GOOGLE_CLIENT_SECRET !== undefined) {
      for (const name of google) {
        if (value[name] === undefined)
          complain(name, 'is missing; connecting Google accounts needs GOOGLE_CLIENT_… and ENCRYPTION_KEY');
      }
    }
    const second = [value.FALLBACK_OPENAI_API_KEY, value.FALLBACK_OPENAI_BASE_URL, value.FALLBACK_LLM_MODEL];
    if (second.some((one) => one !== undefined)) {
      if (value.FALLBACK_LLM_MODEL === undefined) {
        complain(
          'FALLBACK_LLM_MODEL',
          'is missing; name the second model, or set no FALLBACK_… variable at all',
        );
      }
      if (value.OPENAI_API_KEY === undefined && value.OPENAI_BASE_URL === undefined) {
        complain('FALLBACK_LLM_MODEL', 'is set without a first model; set OPENAI_API_KEY or OPENAI_BASE_URL');
      }
    }
  });
