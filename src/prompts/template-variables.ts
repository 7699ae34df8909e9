import { fallbackTag } from '#language/language.ts';

/** What a template may use: one line of the list an editor is shown. */
export interface Variable<Value = unknown> {
  /** For whoever writes templates. */
  meaning: string;
  example: Value;
  /** Whether it may be absent; templates ask for it with `if`. */
  optional: boolean;
  /** Names inside each entry, for lists of objects. */
  fields?: string[];
}

export type VariableName = keyof typeof variables;
export type TemplateKind = keyof typeof plain | 'speech' | 'sms';

/** Templates of which there is one, whatever the language. */
export type PlainTemplate = keyof typeof plain;
/** What one of the tools, or the call itself, can come to; each has its spoken template in every language. */
export type SpokenOutcome = keyof typeof speech;
/** Those that tell nothing but what they are. */
export type WordlessOutcome = {
  [Outcome in SpokenOutcome]: (typeof speech)[Outcome] extends readonly [] ? Outcome : never;
}[SpokenOutcome];
export type TextTemplate = keyof typeof sms;

type ValuesOf<Names extends readonly VariableName[]> = {
  [Name in Names[number]]: (typeof variables)[Name] extends Variable<infer Value> ? Value : never;
};
export type PlainValues<Name extends PlainTemplate> = ValuesOf<(typeof plain)[Name]>;
export type SpokenValues<Outcome extends SpokenOutcome> = ValuesOf<(typeof speech)[Outcome]>;
export type TextValues<Wording extends TextTemplate> = ValuesOf<(typeof sms)[Wording]>;

const variables = {
  clinic: always('the clinic’s name', 'the demo clinic'),
  receptionist: always('the name the assistant gives', 'Robin'),
  languages: always('the languages it speaks, in English words, the default first', ['English', 'Spanish']),
  practitioners: always('who can be booked, as they are spoken of', ['Doctor Lee', 'Doctor Patel']),
  emergencyNumber: sometimes('the emergency number where the clinic is', '911'),

  currentDate: always('today, in words and as ISO date', 'Tuesday, 24 November 2026 (2026-11-24)'),
  currentTime: always('the clinic’s clock', '14:05'),
  tenantTimezone: always('the clinic’s zone', 'America/New_York'),
  businessHours: always('the week’s opening hours', 'Monday to Friday 9:00 to 18:00'),
  openNow: always('whether the clinic is open at this minute', true),
  nextBusinessDay: always('the next day the clinic is open', 'Wednesday 2026-11-25'),
  days: {
    ...always('the coming two weeks, today first', [
      { weekday: 'Tuesday', date: '2026-11-24', open: '9:00 to 18:00' },
    ]),
    fields: ['weekday', 'date', 'open'],
  },
  tenantId: always('the clinic’s id', '0d3c11c0-0000-4000-8000-000000000001'),

  confirmDate: sometimes('the day being discussed, as ISO date', '2026-11-24'),
  patientPhone: sometimes('the number the caller calls from or gave', '+12125550142'),
  step: always(
    'where the call stands: greeting, check_avail, reserve, confirm_sms, booked, failed',
    'reserve',
  ),
  language: always('the language of this call, as a tag', 'en'),

  dashboardPrompt: always('what is written in the prompt field of Vapi’s dashboard', 'Parking is free.'),

  times: sometimes('the times offered, as a list in words', 'nine in the morning or half past two'),
  nearestDay: sometimes('the day those times are on', 'Friday the twenty-seventh'),
  count: always('how many are offered or found', 2),
  day: sometimes('the day that was asked for', 'Tuesday the twenty-fourth'),
  dateName: sometimes(
    'that day without its weekday, as what a sentence is about',
    'the twenty-fourth of November',
  ),
  practitioner: sometimes('whom the caller asked for, if anybody', 'Doctor Lee'),
  choice: sometimes('the two days the caller may have meant', 'Tuesday the first or Wednesday the second'),
  saidWeekday: sometimes('the weekday the caller said', 'Tuesday'),
  actualWeekday: sometimes('the weekday that date really is', 'Wednesday'),
  slot: always('day, time and practitioner in words', 'Tuesday the twenty-fourth at nine in the morning'),
  held: sometimes(
    'day, time and practitioner of the hold, in words',
    'Tuesday the twenty-fourth at nine in the morning',
  ),
  old: always('the appointment as it was before', 'Monday the twenty-third at nine in the morning'),
  name: sometimes('the patient’s name', 'Ann Miller'),
  texted: always('whether a text message is sent', true),
  untexted: always('whether text messages are sent here, and none about this', false),
  human: always('whether somebody can be put on the line', true),
};

/** Every spoken sentence and text message may use these. */
const general = ['clinic', 'receptionist'] as const satisfies VariableName[];

const nearest = ['times', 'nearestDay', 'count'] as const;
/** Why a day cannot be offered: one list, so that each reason's sentence may say what any other may. */
const refusedDay = [
  ...nearest,
  'day',
  'dateName',
  'saidWeekday',
  'actualWeekday',
  'choice',
  'practitioner',
] as const;

const plain = {
  /** The same for a whole call: what a provider's prompt cache holds. */
  system: ['clinic', 'receptionist', 'languages', 'practitioners', 'emergencyNumber'],
  dashboard: ['clinic', 'receptionist', 'dashboardPrompt'],
  /** The same for a minute of one organization. */
  context: [
    'clinic',
    'receptionist',
    'tenantId',
    'currentDate',
    'currentTime',
    'tenantTimezone',
    'businessHours',
    'openNow',
    'nextBusinessDay',
    'days',
  ],
  /** Made anew on every turn. */
  call: ['clinic', 'receptionist', 'tenantId', 'confirmDate', 'patientPhone', 'step', 'language'],
} as const satisfies Record<string, readonly VariableName[]>;

const speech = {
  opening: [],
  looking: [],
  'tools-unreachable': [],
  offered: [...nearest, 'day', 'openNow'],
  closed: refusedDay,
  full: refusedDay,
  past: refusedDay,
  'beyond-horizon': refusedDay,
  unclear: refusedDay,
  mismatch: refusedDay,
  reserved: ['slot', 'name'],
  'reserved-named': ['slot', 'name'],
  'already-booked': ['slot'],
  taken: nearest,
  'in-the-past': nearest,
  'not-offered': nearest,
  limit: [],
  'hold-ending': ['slot'],
  'still-there': ['held'],
  unconfirmed: ['slot'],
  booked: ['slot', 'name', 'texted', 'untexted'],
  corrected: ['slot', 'name', 'texted', 'untexted'],
  'no-hold': nearest,
  'invalid-phone': [],
  'country-not-allowed': [],
  'text-limit': [],
  'name-needed': [],
  found: ['times', 'count'],
  'not-found': [],
  'number-withheld': [],
  cancelled: ['slot'],
  moved: ['old', 'slot'],
  'not-moved': ['slot'],
  'open-times': [...nearest, 'human'],
  'not-understood': [],
  'to-human': [],
  transferring: [],
  'no-human': [],
  failed: ['human'],
  busy: ['human'],
  'unknown-organization': [],
} as const satisfies Record<string, readonly VariableName[]>;

const sms = {
  confirmation: ['slot', 'name'],
  reminder: ['slot', 'name'],
  cancelled: ['slot', 'name'],
  moved: ['old', 'slot', 'name'],
  help: [],
  'call-back': [],
  'not-cancelled': [],
} as const satisfies Record<string, readonly VariableName[]>;

/** What a template's name says about it. */
export interface TemplatePlace {
  kind: TemplateKind;
  /** In the order an editor should see them. */
  variables: VariableName[];
  /** Of speech and text messages. */
  language?: string;
}

const folders: Record<string, Record<string, readonly VariableName[]>> = { speech, sms };

/**
 * Finds out what a template is for by its name: `system`, `speech/en/offered`, `sms/es/reminder`.
 *
 * @returns nothing when no code asks for a template of this name
 */
export function placeOf(name: string): TemplatePlace | undefined {
  if (Object.hasOwn(plain, name)) {
    const kind = name as PlainTemplate;
    return { kind, variables: [...plain[kind]] };
  }
  const [, folder = '', language = '', outcome = ''] =
    /^(speech|sms)\/([a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)\/([a-z-]+)$/.exec(name) ?? [];
  const own = Object.hasOwn(folders[folder] ?? {}, outcome) ? folders[folder]?.[outcome] : undefined;
  if (own === undefined) return undefined;
  return { kind: folder as 'speech' | 'sms', language, variables: [...own, ...general] };
}

/** Names without which something could not be said: the plain templates, and every sentence in the language that serves for all. */
export function requiredNames(): string[] {
  return [
    ...Object.keys(plain),
    ...Object.keys(speech).map((outcome) => `speech/${fallbackTag}/${outcome}`),
    ...Object.keys(sms).map((wording) => `sms/${fallbackTag}/${wording}`),
  ];
}

export function variableOf(name: VariableName): Variable {
  return variables[name];
}

/** A refusal's reason under the name its sentence has: `beyond_horizon` is `beyond-horizon`. */
export function outcomeOf<Reason extends string>(reason: Reason): Hyphenated<Reason> {
  return reason.replaceAll('_', '-') as Hyphenated<Reason>;
}

type Hyphenated<Text extends string> = Text extends `${infer Before}_${infer After}`
  ? `${Before}-${Hyphenated<After>}`
  : Text;

function always<Value>(meaning: string, example: Value): Variable<Value> {
  return { meaning, example, optional: false };
}

function sometimes<Value>(meaning: string, example: Value): Variable<Value | null> {
  return { meaning, example, optional: true };
}
