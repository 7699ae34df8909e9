import { Ajv } from 'ajv';

// What Twilio's Messages API takes, reduced to the fields a clinic's texts could use. Field names, patterns and bounds
// are from Twilio's own OpenAPI description (twilio/twilio-oai, twilio_api_v2010, MIT); no field beyond them is taken.

const phoneNumber = { type: 'string', pattern: '^\\+[1-9]\\d{4,14}$' };
const service = { type: 'string', pattern: '^MG[0-9a-fA-F]{32}$' };

const schemas = {
  create: {
    type: 'object',
    properties: {
      To: phoneNumber,
      From: phoneNumber,
      MessagingServiceSid: service,
      Body: { type: 'string', minLength: 1, maxLength: 1600 },
      StatusCallback: { type: 'string', pattern: '^https?://[^/]+' },
      ValidityPeriod: { type: 'string', pattern: '^[1-9]\\d{0,4}$' },
    },
    required: ['To', 'Body'],
    oneOf: [{ required: ['From'] }, { required: ['MessagingServiceSid'] }],
    additionalProperties: false,
  },
  list: {
    type: 'object',
    properties: {
      To: phoneNumber,
      From: phoneNumber,
      DateSent: { type: 'string' },
      'DateSent<': { type: 'string' },
      'DateSent>': { type: 'string' },
      PageSize: { type: 'string', pattern: '^([1-9]\\d{0,2}|1000)$' },
      Page: { type: 'string', pattern: '^\\d+$' },
      PageToken: { type: 'string' },
    },
    additionalProperties: false,
  },
};

const ajv = new Ajv({ allErrors: true });
const validators = { create: ajv.compile(schemas.create), list: ajv.compile(schemas.list) };

/** What is wrong with a request's fields; empty when nothing is. */
export function twilioProblems(operation: keyof typeof schemas, fields: Record<string, string>): string[] {
  const validate = validators[operation];
  if (validate(fields)) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`.trim());
}
