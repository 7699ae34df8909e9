-- Questions that read more than they need once a ledger has ten million slots (`node bench/plans.ts 10000000`). Row-level
-- security adds the organization to every question, so that an index which begins with it is read for the whole
-- organization besides the right one.

-- Every question about busy times names the practitioner.
drop index busy_times_tenant;
drop index busy_times_practitioner;
create index busy_times_practitioner on busy_times (practitioner_id, ends_at, starts_at);
-- An event is found by its own name first.
drop index busy_times_event;
create unique index busy_times_event on busy_times (event_id, practitioner_id);

-- What is booked of a practitioner, from a moment on.
create index appointments_practitioner on appointments (practitioner_id, starts_at) where status = 'booked';

-- The operator that takes a value out of JSON is not leakproof, so that under row-level security no index over it is
-- searched for the number: a caller's own appointments were found by reading all of the clinic's.
alter table appointments add column phone text generated always as (patient ->> 'phone') stored;
drop index appointments_phone;
create index appointments_phone on appointments (tenant_id, phone, starts_at);

create or replace function start_call(p_tenant_id uuid, p_call_sid text, p_caller text) returns jsonb
  language plpgsql as $$
declare
  first boolean;
begin
  perform lock_call(p_tenant_id, p_call_sid);
  insert into call_states (tenant_id, call_sid, caller, cause) values (p_tenant_id, p_call_sid, p_caller, 'call started')
    on conflict (tenant_id, call_sid) do nothing;
  first := found;
  if first and p_caller is not null then
    perform adopt_hold(p_tenant_id, p_call_sid, p_caller);
  end if;
  return jsonb_build_object('first', first,
    'hold', exists (
      select from available_slots s
      where s.tenant_id = p_tenant_id and s.reserved_by = p_call_sid and s.status = 'reserved'
        and s.expires_at > ledger_now()),
    'upcoming', (
      select count(*) from appointments a
      where a.tenant_id = p_tenant_id and a.phone = p_caller and a.status = 'booked'
        and a.starts_at > ledger_now()));
end
$$;

-- As before (0004), but it does not look at all stale holds of the organization.
create or replace function take_slot(target available_slots, p_call_sid text, p_now timestamptz)
  returns available_slots
  language plpgsql as $$
declare
  other available_slots;
  taken available_slots;
begin
  for other in
    -- Two questions, each with an index of its own: stale holds are not swept, so there may be many.
    select * from available_slots c
    where c.tenant_id = target.tenant_id and c.status = 'reserved' and c.reserved_by = p_call_sid
      and c.id <> target.id
    union all
    select * from available_slots c
    -- Only a hold has an end. Said like this, it is the index of claims that is read, and not that of all stale holds.
    where c.practitioner_id = target.practitioner_id and c.status in ('reserved', 'booked') and c.expires_at <= p_now
      and c.reserved_by <> p_call_sid and c.id <> target.id
      and c.starts_at > target.starts_at - interval '1 day' and c.starts_at < upper(target.occupies)
      and c.occupies && target.occupies
  loop
    perform free_slot(other.id, case when other.reserved_by = p_call_sid then 'hold given up' else 'hold expired' end);
  end loop;
  if target.status = 'reserved' then
    perform free_slot(target.id, 'hold expired');
  end if;
  update available_slots set status = 'reserved', version = gen_random_uuid(), reserved_by = p_call_sid,
    reserved_at = p_now, expires_at = p_now + hold_lifetime()
  where id = target.id returning * into taken;
  return taken;
end
$$;

-- Finds the clinic's own events that lie on live appointments, and ends the conflicts that are none any more: of these
-- appointments and of these events, because the others have not changed. One after another and without whole tables, so
-- that each is a search in an index, also by a plan that a connection made while the tables were empty.
drop function note_conflicts(uuid, uuid);
create function note_conflicts(p_tenant_id uuid, p_practitioner_id uuid, p_appointments uuid[], p_events text[])
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

-- An event of the clinic's own and an appointment that may lie under it.
create function note_overlap(a appointments, b busy_times) returns void
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

create function conflict_lasts(c calendar_conflicts) returns boolean
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

-- Has each new conflict reported once.
create function ask_for_reports(p_tenant_id uuid, p_practitioner_id uuid, p_appointment_id uuid) returns void
  language plpgsql as $$
begin
  perform ask_for_report(c.tenant_id, c.id)
  from calendar_conflicts c
  where c.tenant_id = p_tenant_id and c.practitioner_id = p_practitioner_id and c.resolved_at is null
    and c.reported_at is null and (p_appointment_id is null or c.appointment_id = p_appointment_id);
end
$$;

create function ask_for_report(p_tenant_id uuid, p_conflict_id uuid) returns void
  language sql volatile
  begin atomic
    select enqueue_job('report-conflict', jsonb_build_object('tenantId', p_tenant_id, 'conflictId', p_conflict_id),
      'report-conflict:' || p_conflict_id);
  end;

-- As before (0015), and only what lies on this appointment is looked for.
create or replace function promise_event() returns trigger
  language plpgsql as $$
declare
  calendar text;
begin
  if tg_op = 'INSERT' then
    select calendar_id into calendar from practitioners where id = new.practitioner_id;
    if calendar is null then
      return null;
    end if;
    insert into calendar_events (appointment_id, tenant_id, practitioner_id, calendar_id, event_id)
    values (new.id, new.tenant_id, new.practitioner_id, calendar, calendar_event_id(new.id));
  elsif new.status = old.status and new.patient = old.patient then
    return null;
  else
    update calendar_events set revision = revision + 1 where appointment_id = new.id;
    if not found then
      return null;
    end if;
  end if;
  if exists (select from calendar_credentials where tenant_id = new.tenant_id) then
    perform ask_for_event(new.tenant_id, new.id);
  end if;
  -- A hold made before the clinic's own event came in is still the caller's.
  perform note_conflicts(new.tenant_id, new.practitioner_id, array[new.id], '{}');
  perform ask_for_reports(new.tenant_id, new.practitioner_id, new.id);
  return null;
end
$$;
