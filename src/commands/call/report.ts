import type { CallRecord } from '#console/call-record.ts';
import type { CallEvent } from './conversation.ts';
import type { Verdict } from './verdict.ts';

const indent = '          ';

/** One event of a call as lines for a terminal. */
export function eventLines(event: CallEvent): string[] {
  switch (event.type) {
    case 'caller':
      return [`Caller:   ${event.text}`];
    case 'assistant':
      return [
        `Holdline: ${event.text || '(cut off before a word was heard)'}${event.cut && event.text ? ' —' : ''}`,
      ];
    case 'tool-call':
      return [`${indent}→ the platform runs ${event.name} ${event.arguments}`];
    case 'violation':
      return [`${indent}✗ turn ${event.turn}: ${event.problem}`];
    case 'over':
      return [`${indent}${endings[event.by]}`];
  }
}

const endings = {
  assistant: '(Holdline ends the call)',
  caller: '(the caller hangs up)',
  limit: '(the call is cut off: too many turns)',
};

/** How long a turn took, beneath its words: the tool's time is the server's own measurement. */
export function timesLine(
  firstWordMs: number | undefined,
  turn: CallRecord['turns'][number] | undefined,
): string {
  const parts = firstWordMs === undefined ? [] : [`first word ${ms(firstWordMs)}`];
  if (turn?.toolMs != null) parts.push(`${turn.tools.join(' + ')} ${ms(turn.toolMs)}`);
  return `${indent}${parts.join(', ')}`;
}

/** The ledger's rows of the call, in the ledger's own words. */
export function recordLines(record: CallRecord): string[] {
  const { state, history, appointments, texts } = record;
  const rows: [string, string][] = [];
  const expires = state?.expiresAt ? `, held until ${state.expiresAt.toISOString()}` : '';
  rows.push([
    'call_states',
    state ? `${state.step}${state.slotId ? `, ${state.slotId}` : ''}${expires}` : 'none',
  ]);
  for (const { fromStep, toStep, slotId, cause } of history) {
    rows.push([
      'call_history',
      `${fromStep ?? '·'} → ${toStep ?? '·'}${slotId ? `, ${slotId}` : ''} (${cause})`,
    ]);
  }
  for (const { slotId, status, patient } of appointments) {
    rows.push(['appointments', `${slotId} ${status}, ${Object.values(patient).join(', ') || 'no details'}`]);
  }
  for (const { number, wording, status } of texts)
    rows.push(['text_messages', `${number} ${wording} ${status}`]);
  return [
    '',
    'The ledger says about this call:',
    ...rows.map(([table, row]) => `  ${table.padEnd(14)}${row}`),
  ];
}

export function verdictLines({ met, text }: Verdict): string[] {
  return ['', `${met ? '✓' : '✗'} ${text}`];
}

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}
