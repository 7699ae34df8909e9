/** What the stand-in for a model says, and how fast. */
export interface Pace {
  firstMs: number;
  apartMs: number;
  /** Pieces the arguments of a tool call come in. */
  argumentPieces: number;
  argumentsApartMs: number;
}

export const unpaced: Pace = { firstMs: 0, apartMs: 0, argumentPieces: 1, argumentsApartMs: 0 };
/** A fast provider: forty tokens a second. */
export const paced: Pace = { firstMs: 20, apartMs: 25, argumentPieces: 1, argumentsApartMs: 0 };

export const chunkCount = 40;

export function piece(n: number): string {
  return `Word${n} `;
}

/** The whole answer, which every relay must have given. */
export const answerText = Array.from({ length: chunkCount }, (_, n) => piece(n)).join('');

export function argumentPieces({ argumentPieces }: Pace): number {
  return argumentPieces;
}

/** What a caller says, and the tool it makes the stand-in call. */
export const callerWords = {
  talk: 'Tell me about the clinic.',
  check: (date: string) => `Are you free that day in the afternoon? CHECK ${date}`,
  reserve: 'I take the first one. RESERVE slot_1',
  confirm: 'Yes, please. My name is Ann Miller. CONFIRM',
};

/** The tool a request is to be answered with, by the caller's last words; words when a tool has answered them. */
export function toolArguments(body: string): { name: string; args: object } | undefined {
  const lastUser = body.lastIndexOf('"role":"user"');
  if (body.lastIndexOf('"role":"tool"') > lastUser) return undefined;
  const said = body.slice(lastUser, lastUser + 200);
  const date = /CHECK (\d{4}-\d\d-\d\d)/.exec(said)?.[1];
  if (date !== undefined) return { name: 'check_availability', args: { date, time: 'in the afternoon' } };
  const slot = /RESERVE (slot_\d+)/.exec(said)?.[1];
  if (slot !== undefined) return { name: 'reserve_slot', args: { slotId: slot } };
  if (said.includes('CONFIRM')) {
    return { name: 'send_sms_reminder', args: { appointmentDetails: { patientName: 'Ann Miller' } } };
  }
  return undefined;
}
