import type { Sql } from 'postgres';
import { Temporal } from 'temporal-polyfill';
import { z } from 'zod';
import type { OpenSlots } from '#availability/open-slots.ts';
import { blockStretch, staffSource, unblockStretch } from '#availability/slot-upkeep.ts';
import { cancelAppointment, findAppointment, moveAppointment } from '#booking/appointments.ts';
import { addDays, dayBounds, localDate } from '#organization/clinic-clock.ts';
import type { Organization } from '#organization/organization.ts';
import { masked } from '#telemetry/masking.ts';
import { type AddRoute, instant, Refusal } from './route.ts';
import { recordAction } from './staff-record.ts';
import { type WeekSlot, weekOf } from './week.ts';

/** Days of one page: a week, because nobody looks at two at once. */
const daysMax = 7;

const weekAnswer = z.object({
  /** The ledger's clock when this was read: holds are counted down from it, not from the browser's. */
  now: instant,
  zone: z.string(),
  practitioner: z.string(),
  today: z.iso.date(),
  days: z.array(
    z.object({
      date: z.iso.date(),
      slots: z.array(
        z.object({
          slotId: z.string(),
          version: z.string(),
          startsAt: instant,
          endsAt: instant,
          state: z.enum(['open', 'held', 'booked', 'blocked', 'conflict', 'past']),
          expiresAt: instant.nullable(),
          callSid: z.string().nullable(),
          conflict: z.enum(['busy', 'outside-hours', 'overlap', 'moved', 'removed']).nullable(),
          appointment: z
            .object({ id: z.string(), name: z.string().nullable(), phone: z.string().nullable() })
            .nullable(),
        }),
      ),
    }),
  ),
  busy: z.array(
    z.object({ id: z.string(), startsAt: instant, endsAt: instant, source: z.string(), ours: z.boolean() }),
  ),
});

export type WeekAnswer = z.input<typeof weekAnswer>;

const appointmentParams = z.object({ organization: z.string(), id: z.uuid() });
const clinicTime = z.iso.datetime({ local: true, error: 'is not a time of the form 2026-11-27T09:00' });

const blockAnswer = z.object({ id: z.string(), appointments: z.number() });
const startsAnswer = z.object({ startsAt: instant, repeated: z.boolean() });
const patientAnswer = z.object({ patient: z.record(z.string(), z.string()) });
export type PatientAnswer = z.input<typeof patientAnswer>;

export interface SlotsParts {
  sql: Sql;
  openSlots: OpenSlots;
}

/** The coming weeks, and what the clinic's own people may change in them, by the rules that hold for a caller. */
export function slotsRoutes(add: AddRoute, parts: SlotsParts): void {
  const { sql } = parts;
  add({
    method: 'GET',
    path: '/slots',
    summary: 'A practitioner’s slots of up to seven days',
    role: 'see',
    query: z.object({
      practitioner: z.string().optional(),
      from: z.iso.date().optional(),
      days: z.coerce.number().int().min(1).max(daysMax).default(daysMax),
    }),
    answer: weekAnswer,
    async handle({ organization, query }) {
      const practitioner = practitionerOf(organization, query.practitioner);
      if (practitioner instanceof Refusal) return practitioner;
      const { zone } = organization;
      const today = localDate(zone, new Date());
      const first = query.from ?? today;
      const dates = Array.from({ length: query.days }, (_, index) => addDays(first, index));
      const from = dayBounds(zone, first).startsAt;
      const to = dayBounds(zone, dates.at(-1) ?? first).endsAt;
      const week = await weekOf(sql, organization.id, { practitionerId: practitioner.id, from, to });
      const byDate = Map.groupBy(week.slots, (slot) => localDate(zone, slot.startsAt));
      return {
        now: week.now,
        zone,
        today,
        practitioner: practitioner.key,
        days: dates.map((date) => ({ date, slots: (byDate.get(date) ?? []).map(shown) })),
        busy: week.busy.map((one) => ({ ...one, ours: one.source === staffSource })),
      };
    },
  });
  blocks(add, parts);
  appointments(add, parts);
}

function blocks(add: AddRoute, { sql, openSlots }: SlotsParts): void {
  add({
    method: 'POST',
    path: '/blocks',
    summary: 'Keeps a stretch of a practitioner’s time free of bookings; what is booked in it stays',
    role: 'edit',
    body: z.object({ practitioner: z.string(), from: clinicTime, to: clinicTime }),
    answer: blockAnswer,
    async handle({ organization, session, body }) {
      const practitioner = practitionerOf(organization, body.practitioner);
      if (practitioner instanceof Refusal) return practitioner;
      const startsAt = atClinic(body.from, organization);
      const endsAt = atClinic(body.to, organization);
      const wanted = { practitionerId: practitioner.id, startsAt, endsAt };
      const outcome = await blockStretch(sql, organization.id, wanted);
      if (!outcome.blocked) return new Refusal(422, blockProblems[outcome.reason]);
      await recordAction(sql, organization.id, {
        who: session.who,
        action: 'time blocked',
        about: `${practitioner.key} ${body.from} to ${body.to}`,
      });
      await openSlots.forget(organization);
      return outcome;
    },
  });
  add({
    method: 'DELETE',
    path: '/blocks/:id',
    summary: 'Opens a stretch again that was blocked here',
    role: 'edit',
    params: appointmentParams,
    answer: z.object({ startsAt: instant, endsAt: instant }),
    async handle({ organization, session, params }) {
      const stretch = await unblockStretch(sql, organization.id, params.id);
      if (stretch === undefined) return new Refusal(404, 'there is no such block of the clinic’s own');
      await recordAction(sql, organization.id, {
        who: session.who,
        action: 'time unblocked',
        about: params.id,
      });
      await openSlots.forget(organization);
      return stretch;
    },
  });
}

function appointments(add: AddRoute, { sql, openSlots }: SlotsParts): void {
  add({
    method: 'POST',
    path: '/appointments/:id/cancel',
    summary: 'Cancels an appointment and opens its slot',
    role: 'edit',
    params: appointmentParams,
    answer: startsAnswer,
    async handle({ organization, session, params }) {
      const by = { tenantId: organization.id, callSid: null };
      const outcome = await cancelAppointment(sql, by, params.id);
      if (!outcome.cancelled) {
        return outcome.reason === 'moved'
          ? new Refusal(409, 'this appointment was moved; cancel the one in its place')
          : new Refusal(404, 'there is no such appointment');
      }
      await recordAction(sql, organization.id, {
        who: session.who,
        action: 'appointment cancelled',
        about: params.id,
      });
      await openSlots.changed(organization, outcome.startsAt);
      return outcome;
    },
  });
  add({
    method: 'POST',
    path: '/appointments/:id/move',
    summary: 'Moves an appointment to an open slot; it keeps its old one if that is gone',
    role: 'edit',
    params: appointmentParams,
    body: z.object({ slotId: z.string().max(200), version: z.uuid() }),
    answer: startsAnswer,
    async handle({ organization, session, params, body }) {
      const old = await findAppointment(sql, organization.id, params.id);
      if (old === undefined) return new Refusal(404, 'there is no such appointment');
      // It stays the appointment of the call that made it: that call's record tells what became of it.
      const call = { tenantId: organization.id, callSid: old.callSid };
      const outcome = await moveAppointment(sql, call, params.id, body);
      if (!outcome.moved) return new Refusal(409, moveProblems[outcome.reason]);
      await recordAction(sql, organization.id, {
        who: session.who,
        action: 'appointment moved',
        about: params.id,
      });
      await openSlots.changed(organization, old.startsAt);
      await openSlots.changed(organization, outcome.startsAt);
      return outcome;
    },
  });
  add({
    method: 'POST',
    path: '/appointments/:id/reveal',
    summary: 'Shows whose appointment it is; that it was asked for is recorded',
    role: 'see',
    params: appointmentParams,
    answer: patientAnswer,
    async handle({ organization, session, params }) {
      const found = await findAppointment(sql, organization.id, params.id);
      if (found === undefined) return new Refusal(404, 'there is no such appointment');
      await recordAction(sql, organization.id, {
        who: session.who,
        action: 'details shown',
        about: params.id,
      });
      return { patient: found.patient };
    },
  });
}

const blockProblems = {
  empty: 'the stretch has to end after it begins',
  too_long: 'a stretch can be a year at most',
  in_the_past: 'the stretch is over already',
};

const moveProblems = {
  unknown_appointment: 'this appointment is not there any more; reload the page',
  unknown_slot: 'there is no such slot',
  in_the_past: 'that time is over',
  taken: 'that time was just taken; the appointment keeps its old one',
  changed: 'that time was just taken; the appointment keeps its old one',
};

function shown({ appointment, ...slot }: WeekSlot) {
  return {
    ...slot,
    appointment:
      appointment === null
        ? null
        : {
            id: appointment.id,
            name: masked(appointment.patient['name']),
            phone: masked(appointment.patient['phone']),
          },
  };
}

function practitionerOf(organization: Organization, key: string | undefined) {
  const found =
    key === undefined
      ? organization.practitioners[0]
      : organization.practitioners.find((one) => one.key === key);
  return found ?? new Refusal(404, 'there is no such practitioner');
}

/** A clinic's own wall-clock time as an instant; one that a change of clocks leaves out is the one after it. */
function atClinic(text: string, { zone }: Organization): Date {
  return new Date(Temporal.PlainDateTime.from(text).toZonedDateTime(zone).epochMilliseconds);
}
