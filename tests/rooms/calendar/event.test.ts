import { expect, test } from 'vitest';
import { readEvent } from '#calendar/event.ts';

const at = {
  start: { dateTime: '2026-12-01T10:00:00+01:00' },
  end: { dateTime: '2026-12-01T11:00:00+01:00' },
};

test('an event takes the time between its ends, whatever offset they are written with', () => {
  expect(readEvent({ id: 'a', status: 'confirmed', ...at })).toEqual({
    id: 'a',
    seriesId: null,
    meaning: 'busy',
    span: { startsAt: new Date('2026-12-01T09:00:00Z'), endsAt: new Date('2026-12-01T10:00:00Z') },
  });
  expect(readEvent({ id: 'a', status: 'tentative', ...at })?.meaning).toBe('busy');
});

test('an all-day event is told in dates, because a day begins where it is meant', () => {
  const event = readEvent({ id: 'a', start: { date: '2026-12-24' }, end: { date: '2026-12-27' } });
  expect(event).toMatchObject({ meaning: 'busy', span: { fromDate: '2026-12-24', toDate: '2026-12-27' } });
});

test('what is marked free, declined or a place of work takes no time', () => {
  for (const free of [
    { transparency: 'transparent' },
    { attendees: [{ responseStatus: 'accepted' }, { self: true, responseStatus: 'declined' }] },
    { eventType: 'workingLocation' },
    { eventType: 'birthday' },
    { end: at.start },
  ]) {
    expect(readEvent({ id: 'a', ...at, ...free }), JSON.stringify(free)).toMatchObject({ meaning: 'free' });
  }
  for (const busy of [
    { attendees: [{ responseStatus: 'declined' }, { self: true, responseStatus: 'accepted' }] },
    { eventType: 'outOfOffice' },
    { eventType: 'focusTime' },
  ]) {
    expect(readEvent({ id: 'a', ...at, ...busy }), JSON.stringify(busy)).toMatchObject({ meaning: 'busy' });
  }
});

test('a removed event is told by its id alone, an instance with its series', () => {
  expect(readEvent({ id: 'a_1', status: 'cancelled', recurringEventId: 'a' })).toMatchObject({
    id: 'a_1',
    seriesId: 'a',
    meaning: 'removed',
  });
});

test('what makes no sense is nothing', () => {
  for (const item of [
    null,
    'a',
    {},
    { id: 'a' },
    { id: '', ...at },
    { id: 'a', start: { dateTime: 'soon' } },
  ]) {
    expect(readEvent(item), JSON.stringify(item)).toBeUndefined();
  }
});
