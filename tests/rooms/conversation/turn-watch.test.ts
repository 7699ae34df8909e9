import { expect, test } from 'vitest';
import { asTheyAre } from '#conversation/speech.ts';
import { say, type TurnEvent, type TurnRequest } from '#conversation/turn-events.ts';
import { createTurnWatch } from '#conversation/turn-watch.ts';
import { checkTemplate, type FitTemplate } from '#prompts/template-check.ts';

const request = (tenantId: string, callSid: string) =>
  ({ organization: { id: tenantId }, callSid }) as unknown as TurnRequest;

async function* turn(): AsyncGenerator<TurnEvent> {
  yield say(asTheyAre('Hello.', 'template'));
  yield { type: 'finished', reason: 'stop' };
}

function draft(): FitTemplate {
  const checked = checkTemplate('speech/en/opening', 'A draft.');
  if (!checked.fit) throw new Error('the draft is not fit');
  return checked.template;
}

test('drafts reach the turns of the call they are tried in, while it is tried, and no other', () => {
  const watch = createTurnWatch();
  const draftsOf = (tenantId: string, callSid: string) => {
    let given: readonly FitTemplate[] = [];
    watch.turn(request(tenantId, callSid), (drafts) => {
      given = drafts;
      return turn();
    });
    return given.map((one) => one.text);
  };
  const watching = watch.watch({ tenantId: 'a', callSid: 'tried' }, [draft()]);
  expect(draftsOf('a', 'tried')).toEqual(['A draft.']);
  expect(draftsOf('a', 'another')).toEqual([]);
  expect(draftsOf('b', 'tried')).toEqual([]);
  watching[Symbol.dispose]();
  expect(draftsOf('a', 'tried')).toEqual([]);
});

test('whoever watches gets a copy of what the turn does, in its order, and the turn waits for nobody', async () => {
  const watch = createTurnWatch();
  const watching = watch.watch({ tenantId: 'a', callSid: 'tried' }, []);
  const heard: TurnEvent[] = [];
  // Nobody has begun to read the copy.
  for await (const event of watch.turn(request('a', 'tried'), turn)) heard.push(event);
  watching[Symbol.dispose]();
  const copied: string[] = [];
  for await (const event of watching) copied.push(event.type);
  expect(heard.map((event) => event.type)).toEqual(['say', 'finished']);
  expect(copied).toEqual(['say', 'finished']);
});
