import type { Organization, Practitioner, Schedule } from '#organization/organization.ts';

export const openDay = [{ from: '09:00', to: '18:00' }];
export const workingDays: Schedule['weekly'] = {
  monday: openDay,
  tuesday: openDay,
  wednesday: openDay,
  thursday: openDay,
  friday: openDay,
};
export const lee: Practitioner = {
  id: 'one',
  key: 'lee',
  name: 'Dr. Lee',
  spokenName: 'Doctor Lee',
  weekly: null,
  specialDays: [],
  slotMinutes: null,
  gridMinutes: null,
  bufferMinutes: null,
  minimumNoticeMinutes: null,
  horizonDays: null,
  calendarId: null,
};

/** What of a clinic decides which day is meant; it needs no ledger. */
export function imaginedClinic(
  zone: string,
  schedule: Partial<Schedule> = {},
  practitioners: Practitioner[] = [lee],
): Pick<Organization, 'zone' | 'schedule' | 'practitioners'> {
  return {
    zone,
    practitioners,
    schedule: {
      weekly: workingDays,
      specialDays: [],
      slotMinutes: 30,
      gridMinutes: 30,
      bufferMinutes: 0,
      minimumNoticeMinutes: 0,
      horizonDays: 21,
      ...schedule,
    },
  };
}
