import { z } from 'zod';
import { practitionerSettings, settings } from './settings.ts';

/** An organization as its file tells it. A setting that is absent is left to the ledger's default. */
export type OrganizationDocument = z.output<typeof organizationDocument>;

const words = z.string().trim().min(1, 'is empty').max(200, 'is longer than 200 characters');
const key = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'is not a short name; use a-z, 0-9 and -, at most 63 of them');
const list = z.array(words);

export const organizationDocument = settings.partial().extend({
  key,
  name: words,
  receptionistName: words.optional(),
  schedule: settings.shape.schedule,
  practitioners: z
    .array(practitionerSettings.partial().extend({ key, name: words, spokenName: words }))
    .min(1, 'is empty; name who, or which room, can be booked'),
  assistantIds: list,
  phoneNumberIds: list,
  numbers: list,
});
