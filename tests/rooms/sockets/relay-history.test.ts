import { describe, expect, test } from 'vitest';
import { heardOf, RelayHistory } from '#sockets/relay-history.ts';

const text = 'I have nine thirty, ten o’clock, or two in the afternoon with Doctor Lee. Which one suits you?';

describe('what was heard of a text', () => {
  test.each([
    ['I have nine thirty', 'I have nine thirty,'],
    ['i have nine thirty ten oclock', 'I have nine thirty, ten o’clock,'],
    ['I have nine thi', 'I have nine thirty,'],
    ['Which one', text.slice(0, text.indexOf(' suits'))],
    [text, text],
    ['', ''],
    [' …  ', ''],
    ['something else altogether', 'something else altogether'],
  ])('%j', (heard, kept) => {
    expect(heardOf(text, heard)).toBe(kept);
  });

  test('the same words twice: up to where they were said first, as nothing more is certain', () => {
    expect(heardOf('At two? Yes, at two.', 'at two')).toBe('At two?');
  });
});

describe('a call’s history', () => {
  test('keeps of the last words what was heard, and nothing when nothing was', () => {
    const history = new RelayHistory();
    history.caller('Next Tuesday');
    history.assistant(text);
    history.cutTo('I have nine thirty');
    expect(history.messages.at(-1)).toEqual({ role: 'assistant', content: 'I have nine thirty,' });
    history.cutTo('');
    expect(history.messages).toEqual([{ role: 'user', content: 'Next Tuesday' }]);
    history.cutTo('');
    expect(history.messages).toHaveLength(1);
  });

  test('a caller who goes on talking has said one thing', () => {
    const history = new RelayHistory();
    history.caller('Next  Tuesday');
    history.caller('after lunch ');
    expect(history.messages).toEqual([{ role: 'user', content: 'Next Tuesday after lunch' }]);
  });

  test('goes on from what an earlier connection kept, and from nothing that is no message', () => {
    const history = new RelayHistory();
    history.restore([
      { role: 'user', content: 'Hello' },
      { role: 'system', content: 'no' },
      { role: 'assistant', content: null },
    ] as never);
    expect(history.messages).toEqual([{ role: 'user', content: 'Hello' }]);
  });
});
