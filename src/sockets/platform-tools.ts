import type { PlatformTool } from '#conversation/turn-events.ts';
import type { Organization } from '#organization/organization.ts';

/**
 * What a voice platform behind a socket can do by itself, under the names the same tools have at Vapi: one prompt and
 * one turn for all. A turn hands them back, and the door says them in its platform's words.
 *
 * @param callsOut whether we called: then a menu may have to be passed by keys; whoever calls us has none
 */
export function platformTools(organization: Organization, callsOut: boolean): PlatformTool[] {
  return [endCall, ...(organization.humanNumber === null ? [] : [transferCall]), ...(callsOut ? [dtmf] : [])];
}

/** What the turn wants of the platform, in no platform's words. Where there is more than one, ending comes first. */
export interface Wanted {
  end: boolean;
  transferTo: string | null;
  digits: string | null;
}

export const nothingWanted: Wanted = { end: false, transferTo: null, digits: null };

/**
 * Adds a hand-off of the turn. A caller is only ever connected to the organization's own human: a number of the
 * model's choosing is not dialled.
 */
export function withHandOff(
  wanted: Wanted,
  handOff: { name: string; arguments: Record<string, unknown> },
  organization: Organization,
): Wanted {
  if (handOff.name === 'endCall') return { ...wanted, end: true };
  if (handOff.name === 'transferCall') return { ...wanted, transferTo: organization.humanNumber };
  if (handOff.name === 'dtmf') {
    const digits = String(handOff.arguments['dtmf'] ?? '').replace(/[^0-9*#w]/g, '');
    return { ...wanted, digits: digits === '' ? null : digits.slice(0, digitsMax) };
  }
  return wanted;
}

/** Longer than any extension. */
const digitsMax = 32;

const endCall: PlatformTool = {
  type: 'function',
  function: {
    name: 'endCall',
    description:
      'Ends the call, after the words before it were spoken. Call it when the caller has said goodbye.',
    parameters: { type: 'object', properties: {} },
  },
};

const transferCall: PlatformTool = {
  type: 'function',
  function: {
    name: 'transferCall',
    description: 'Connects the caller to a person at the clinic, after the words before it were spoken.',
    parameters: { type: 'object', properties: {} },
  },
};

const dtmf: PlatformTool = {
  type: 'function',
  function: {
    name: 'dtmf',
    description: 'Presses keys, to pass a menu that answered instead of a person.',
    parameters: {
      type: 'object',
      properties: {
        dtmf: { type: 'string', description: 'The keys, e.g. "1" or "123#"; w waits half a second' },
      },
      required: ['dtmf'],
    },
  },
};
