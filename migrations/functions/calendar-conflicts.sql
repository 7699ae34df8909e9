-- Where a calendar and the ledger disagree about an appointment. Nothing is decided here: each conflict is written down
-- and reported once, and people say what is to become of it.

-- Finds the clinic's own events that lie on live appointments, and ends the conflicts that are none any more: of these
-- appointments and of these events, because the others have not changed. One after another and without reading whole
-- tables, so that each is a search in an index, also by a plan that a connection made while the tables were empty.
create or replace function note_conflicts(p_tenant_id uuid, p_practitioner_id uuid, p_appointments uuid[], p_events text[])
  returns void
  language plpgsql set enable_seqscan = off as $$
declare
  appointment appointments;
  busy busy_times;
  one uuid;
  event text;
begin
  foreach one in array p_appointments loop
    select * into appointment from appointments where id = one;
    -- An appointment lasts a day at most (0002).
    perform note_overlap(appointment, b)
    from busy_times b
    where b.practitioner_id = p_practitioner_id
      and b.ends_at > appointment.starts_at and b.starts_at < appointment.starts_at + interval '1 day';
  end loop;
  foreach event in array p_events loop
    -- "is true" keeps the index of all the practitioner's busy times out of it.
    select * into busy from busy_times b where b.event_id = event and (b.practitioner_id = p_practitioner_id) is true;
    if found then
      perform note_overlap(a, busy)
      from appointments a
      where a.practitioner_id = p_practitioner_id and a.status = 'booked'
        and a.starts_at > busy.starts_at - interval '1 day' and a.starts_at < busy.ends_at
        and upper(a.occupies) > busy.starts_at;
    end if;
  end loop;

  update calendar_conflicts c set resolved_at = ledger_now()
  where c.tenant_id = p_tenant_id and c.practitioner_id = p_practitioner_id and c.resolved_at is null
    and (c.appointment_id = any (p_appointments) or c.event_id = any (p_events))
    and not conflict_lasts(c);
end
$$;

-- Notes an event of the clinic's own and an appointment that may lie under it, if it does.
create or replace function note_overlap(a appointments, b busy_times) returns void
  language plpgsql as $$
begin
  insert into calendar_conflicts as c (tenant_id, practitioner_id, appointment_id, event_id, kind, starts_at, ends_at)
  select a.tenant_id, a.practitioner_id, a.id, b.event_id, 'overlap', b.starts_at, b.ends_at
  from available_slots s
  where s.tenant_id = a.tenant_id and s.slot_id = a.slot_id and upper(s.during) > ledger_now()
    and a.status = 'booked' and b.source = 'google' and b.event_id <> calendar_event_id(a.id)
    and b.ends_at > lower(s.during) and b.starts_at < upper(s.during)
  on conflict (appointment_id, event_id, kind) do update set starts_at = excluded.starts_at,
    ends_at = excluded.ends_at, resolved_at = null,
    noticed_at = case when c.resolved_at is null then c.noticed_at else ledger_now() end,
    reported_at = case when c.resolved_at is null then c.reported_at end;
end
$$;

-- Whether appointment and event still disagree.
create or replace function conflict_lasts(c calendar_conflicts) returns boolean
  language plpgsql stable as $$
begin
  return exists (
    select from appointments a
    join available_slots s on s.tenant_id = a.tenant_id and s.slot_id = a.slot_id
    where a.id = c.appointment_id and a.status = 'booked'
      and (c.kind <> 'overlap' or exists (
        select from busy_times b
        where b.practitioner_id = c.practitioner_id and b.event_id = c.event_id
          and b.ends_at > lower(s.during) and b.starts_at < upper(s.during))));
end
$$;

-- Notes what somebody did in the calendar to the events of live appointments. p_reading as finish_reading has it.
create or replace function note_changed_events(p_tenant_id uuid, p_reading jsonb) returns void
  language plpgsql as $$
declare
  practitioner uuid := p_reading ->> 'practitionerId';
begin
  with own as (
    select e.event_id, a.id as appointment_id, r.starts_at, r.ends_at, case
      when r.removed or r.id is null then 'removed'
      when r.starts_at is distinct from lower(s.during) or r.ends_at is distinct from upper(s.during) then 'moved'
    end as kind
    from calendar_events e
    join appointments a on a.id = e.appointment_id and a.status = 'booked'
    join available_slots s on s.tenant_id = a.tenant_id and s.slot_id = a.slot_id
    left join read_events(p_reading -> 'events') r on r.id = e.event_id
    where e.tenant_id = p_tenant_id and e.practitioner_id = practitioner and a.starts_at > ledger_now()
      -- Marked as free is the clinic's own business.
      and (r.id is null or r.removed or r.starts_at is not null)
      and (r.id is not null or (
        -- Not in a list that has everything, although it was there before the list was made.
        (p_reading ->> 'whole')::boolean and e.told_revision > 0
        and e.told_at < (p_reading ->> 'listedFrom')::timestamptz
        and a.starts_at < (p_reading ->> 'windowEndsAt')::timestamptz))
  ), back as (
    update calendar_conflicts c set resolved_at = ledger_now() from own
    where c.appointment_id = own.appointment_id and c.event_id = own.event_id and c.kind in ('moved', 'removed')
      and c.kind is distinct from own.kind and c.resolved_at is null
  )
  insert into calendar_conflicts as c (tenant_id, practitioner_id, appointment_id, event_id, kind, starts_at, ends_at)
  select p_tenant_id, practitioner, appointment_id, event_id, kind, starts_at, ends_at from own where kind is not null
  on conflict (appointment_id, event_id, kind) do update set starts_at = excluded.starts_at,
    ends_at = excluded.ends_at, resolved_at = null,
    noticed_at = case when c.resolved_at is null then c.noticed_at else ledger_now() end,
    reported_at = case when c.resolved_at is null then c.reported_at end;
end
$$;

-- Has each new conflict of a practitioner reported once: of one appointment, or with null of all.
create or replace function ask_for_reports(p_tenant_id uuid, p_practitioner_id uuid, p_appointment_id uuid) returns void
  language plpgsql as $$
begin
  perform ask_for_report(c.tenant_id, c.id)
  from calendar_conflicts c
  where c.tenant_id = p_tenant_id and c.practitioner_id = p_practitioner_id and c.resolved_at is null
    and c.reported_at is null and (p_appointment_id is null or c.appointment_id = p_appointment_id);
end
$$;

-- Has one conflict reported.
create or replace function ask_for_report(p_tenant_id uuid, p_conflict_id uuid) returns void
  language plpgsql as $$
begin
  perform enqueue_job('report-conflict', jsonb_build_object('tenantId', p_tenant_id, 'conflictId', p_conflict_id),
    'report-conflict:' || p_conflict_id);
end
$$;
