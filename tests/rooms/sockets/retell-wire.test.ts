import { describe, expect, test } from 'vitest';
import { readRelay } from '#sockets/relay-wire.ts';
import { readRetell } from '#sockets/retell-wire.ts';

const words = [{ word: 'Next', start: 0.1, end: 0.3 }];

describe('a transcript of Retell’s', () => {
  test('becomes a history: a caller who goes on talking has said one thing', () => {
    const transcript = [
      { role: 'agent', content: 'Thank you for calling.' },
      { role: 'user', content: 'Next', words },
      { role: 'user', content: ' Tuesday ', words },
      { role: 'agent', content: 'I have' },
      { role: 'agent', content: 'nine.' },
      { role: 'agent', content: '  ' },
      { role: 'system', content: 'not said' },
    ];
    expect(readRetell({ interaction_type: 'response_required', response_id: 3, transcript })).toEqual({
      kind: 'response',
      id: 3,
      history: [
        { role: 'assistant', content: 'Thank you for calling.' },
        { role: 'user', content: 'Next Tuesday' },
        { role: 'assistant', content: 'I have nine.' },
      ],
    });
  });

  test('says what the caller is saying, unless it is the agent’s turn', () => {
    const transcript = [{ role: 'user', content: 'Next Tue' }];
    const update = { interaction_type: 'update_only', transcript };
    expect(readRetell(update)).toEqual({ kind: 'update', userWords: 'Next Tue' });
    expect(readRetell({ ...update, turntaking: 'agent_turn' })).toEqual({ kind: 'update', userWords: null });
    expect(readRetell({ ...update, transcript: [] })).toEqual({ kind: 'update', userWords: null });
  });
});

describe('who is on the line', () => {
  const details = (call: object) => readRetell({ interaction_type: 'call_details', call });

  test.each([
    [{ from_number: '+12125550142', to_number: '+15550100000', direction: 'inbound' }, '+12125550142', false],
    [{ from_number: '+15550100000', to_number: '+12125550142', direction: 'outbound' }, '+12125550142', true],
    [{ from_number: 'anonymous', direction: 'inbound' }, null, false],
    [{ call_type: 'web_call' }, null, false],
    [{ from_number: 7 }, null, false],
  ])('at Retell: %j', (call, caller, callsOut) => {
    expect(details(call)).toEqual({ kind: 'call-details', caller, callsOut });
  });

  test.each([
    [{ from: '+12125550142', to: '+15550100000' }, '+12125550142', '+15550100000', false],
    [
      { from: '+15550100000', to: '+12125550142', direction: 'outbound-api' },
      '+12125550142',
      '+15550100000',
      true,
    ],
    [{ from: 'sip:somebody@example.com', to: '+15550100000' }, null, '+15550100000', false],
  ])('at a relay: %j', (about, caller, dialled, callsOut) => {
    expect(readRelay({ type: 'setup', callSid: 'CA1', ...about })).toMatchObject({
      kind: 'setup',
      caller,
      dialled,
      callsOut,
    });
  });

  test('a setup without a call, or with one too long for the ledger, is none', () => {
    for (const callSid of [undefined, '', 'x'.repeat(201), 7]) {
      expect(readRelay({ type: 'setup', callSid, from: '+12125550142' }).kind).toBe('unusable');
    }
  });
});
