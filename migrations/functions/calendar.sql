-- Practitioners' calendars: what is read of them becomes busy times, and what becomes of an appointment becomes of its
-- event. Google is spoken to by jobs alone. Where the two disagree, see calendar-conflicts.sql.

-- Keeps an organization's credentials, and asks for a reading of all its calendars. Returns of how many.
create or replace function connect_calendars(p_tenant_id uuid, p_kind text, p_sealed bytea, p_account text)
  returns integer language plpgsql as $$
declare
  asked integer;
begin
  perform set_config('holdline.tenant_id', p_tenant_id::text, true);
  insert into calendar_credentials (tenant_id, kind, sealed, account)
  values (p_tenant_id, p_kind, p_sealed, p_account)
  on conflict (tenant_id) do update set kind = excluded.kind, sealed = excluded.sealed, account = excluded.account,
    problem = null, connected_at = ledger_now();
  update calendar_syncs set asked_at = ledger_now() where tenant_id = p_tenant_id;
  get diagnostics asked = row_count;
  perform ask_for_sync(p_tenant_id, practitioner_id) from calendar_syncs where tenant_id = p_tenant_id;
  return asked;
end
$$;

-- A practitioner gets a calendar, another one, or none any more. Whoever has a calendar read for the first time says
-- when, so that a caller who asks for it waits for that reading and does not have another one made.
create or replace function take_calendar() returns trigger
  language plpgsql as $$
declare
  connected boolean;
begin
  if tg_op = 'UPDATE' and new.calendar_id is not distinct from old.calendar_id then
    return null;
  end if;
  delete from calendar_syncs where practitioner_id = new.id;
  if new.calendar_id is null then
    delete from busy_times where practitioner_id = new.id and source = 'google';
    perform announce_slots(new.tenant_id);
    return null;
  end if;
  connected := exists (select from calendar_credentials where tenant_id = new.tenant_id);
  insert into calendar_syncs (practitioner_id, tenant_id, calendar_id, asked_at)
  values (new.id, new.tenant_id, new.calendar_id, case when connected then ledger_now() end);
  if connected then
    perform ask_for_sync(new.tenant_id, new.id);
  end if;
  return null;
end
$$;

-- How many of an organization's calendars have never been read. The first who asks has them read; who asks again
-- within a minute only looks.
create or replace function unread_calendars(p_tenant_id uuid) returns integer
  language plpgsql as $$
declare
  unread uuid;
begin
  perform set_config('holdline.tenant_id', p_tenant_id::text, true);
  if not exists (select from calendar_credentials where tenant_id = p_tenant_id and problem is null) then
    return 0;
  end if;
  for unread in
    update calendar_syncs set asked_at = ledger_now()
    where tenant_id = p_tenant_id and synced_at is null
      and (asked_at is null or asked_at < ledger_now() - interval '1 minute')
    returning practitioner_id
  loop
    perform ask_for_sync(p_tenant_id, unread);
  end loop;
  return (select count(*) from calendar_syncs where tenant_id = p_tenant_id and synced_at is null);
end
$$;

-- Has a practitioner's calendar read.
create or replace function ask_for_sync(p_tenant_id uuid, p_practitioner_id uuid) returns void
  language plpgsql as $$
begin
  perform enqueue_job('calendar-sync', jsonb_build_object('tenantId', p_tenant_id, 'practitionerId', p_practitioner_id),
    'calendar-sync:' || p_practitioner_id);
end
$$;

-- A reading is applied in parts: applied at once, ten thousand events kept the practitioner's claims waiting for
-- seconds. What must not be seen by halves, the place to go on from, is written last (finish_reading): whoever dies in
-- between has the same reading made again.

-- Begins to apply a reading that began in round p_round. Returns the round its parts belong to, or null when another
-- reading was begun to be applied since: nobody can say which of the two knows more.
create or replace function begin_reading(p_tenant_id uuid, p_practitioner_id uuid, p_calendar_id text, p_round bigint)
  returns bigint
  language plpgsql as $$
declare
  own bigint;
begin
  perform set_config('holdline.tenant_id', p_tenant_id::text, true);
  update calendar_syncs set round = round + 1
  where practitioner_id = p_practitioner_id and calendar_id = p_calendar_id and round = p_round
  returning round into own;
  return own;
end
$$;

-- Makes busy times follow some events of a reading (p_events as read_events has them). Each event is changed in one:
-- between its being where it was and its being where it is now, nobody finds the time open. Slots and appointments are
-- never touched. Locks the practitioner, so that a booking that is being made meets either the busy time or, after it,
-- the search for conflicts.
-- Returns {applied, changed}: false when another reading was begun to be applied since; how many busy times changed.
create or replace function apply_reading_part(p_tenant_id uuid, p_practitioner_id uuid, p_round bigint, p_events jsonb)
  returns jsonb
  language plpgsql set enable_seqscan = off as $$
declare
  event record;
  touched text[] := '{}';
  changed integer := 0;
  n integer;
begin
  perform set_config('holdline.tenant_id', p_tenant_id::text, true);
  -- A booking that is being made meets either the busy time or, after it, the search for conflicts.
  perform lock_practitioners(array[p_practitioner_id]);
  -- Another reading that wants to begin waits until this part is whole.
  perform from calendar_syncs where practitioner_id = p_practitioner_id and round = p_round for share;
  if not found then
    return jsonb_build_object('applied', false, 'changed', 0);
  end if;

  for event in select * from read_events(p_events) loop
    with gone as (
      delete from busy_times b
      -- "is true" keeps the index of all the practitioner's busy times out of it.
      where b.event_id = event.id and (b.practitioner_id = p_practitioner_id) is true
        and (b.starts_at, b.ends_at) is distinct from (event.starts_at, event.ends_at)
      returning 1)
    select changed + count(*) into changed from gone;
    -- A series that is gone, or became a single event, takes its instances along.
    with gone as (
      delete from busy_times b where b.practitioner_id = p_practitioner_id and b.series_id = event.id
      returning b.event_id)
    select changed + count(*), touched || coalesce(array_agg(event_id), '{}') into changed, touched from gone;

    -- An event of our own takes time only where somebody has moved it to; its appointment takes its slot already.
    insert into busy_times (tenant_id, practitioner_id, starts_at, ends_at, source, event_id, series_id)
    select p_tenant_id, p_practitioner_id, event.starts_at, event.ends_at, 'google', event.id, event.series_id
    where event.starts_at < event.ends_at and not exists (
      select from calendar_events e
      join appointments a on a.id = e.appointment_id
      join available_slots s on s.tenant_id = a.tenant_id and s.slot_id = a.slot_id
      where e.event_id = event.id
        and (a.status <> 'booked' or (event.starts_at = lower(s.during) and event.ends_at = upper(s.during))))
    on conflict (practitioner_id, event_id) do nothing;
    get diagnostics n = row_count;
    changed := changed + n;
    touched := touched || event.id;
  end loop;

  perform note_conflicts(p_tenant_id, p_practitioner_id, '{}', touched);
  if changed > 0 then
    perform announce_slots(p_tenant_id);
  end if;
  return jsonb_build_object('applied', true, 'changed', changed);
end
$$;

-- The reading is applied to its end: what became of our own events, and the place to go on from.
-- p_reading: {practitionerId, calendarId, round, whole, listedFrom, events, syncToken, windowEndsAt}; of the events only
-- our own; whole: it was the whole window, and what is not in it is not there.
-- Locks the practitioner. Returns false when another reading was begun to be applied since.
create or replace function finish_reading(p_tenant_id uuid, p_reading jsonb) returns boolean
  language plpgsql as $$
declare
  practitioner uuid := p_reading ->> 'practitionerId';
begin
  perform set_config('holdline.tenant_id', p_tenant_id::text, true);
  perform lock_practitioners(array[practitioner]);
  update calendar_syncs set round = round + 1, sync_token = p_reading ->> 'syncToken', synced_at = ledger_now(),
    window_ends_at = coalesce((p_reading ->> 'windowEndsAt')::timestamptz, window_ends_at), problem = null
  where practitioner_id = practitioner and calendar_id = p_reading ->> 'calendarId'
    and round = (p_reading ->> 'round')::bigint;
  if not found then
    return false;
  end if;
  perform note_changed_events(p_tenant_id, p_reading);
  perform ask_for_report(c.tenant_id, c.id)
  from calendar_conflicts c
  where c.tenant_id = p_tenant_id and c.practitioner_id = practitioner and c.resolved_at is null
    and c.reported_at is null and c.kind in ('moved', 'removed');
  return true;
end
$$;

-- Google answers: whatever it was not told yet is told now, with p_whole also the appointments that were made before
-- there was a calendar, and new conflicts are reported. Nothing here decides about anybody's time, so no claim waits
-- for it; the jobs find each appointment as it is by then.
create or replace function ask_after_reading(p_tenant_id uuid, p_practitioner_id uuid, p_calendar_id text, p_whole boolean)
  returns void
  language plpgsql as $$
begin
  perform set_config('holdline.tenant_id', p_tenant_id::text, true);
  if p_whole then
    insert into calendar_events (appointment_id, tenant_id, practitioner_id, calendar_id, event_id)
    select a.id, a.tenant_id, a.practitioner_id, p_calendar_id, calendar_event_id(a.id)
    from appointments a
    where a.tenant_id = p_tenant_id and a.practitioner_id = p_practitioner_id and a.status = 'booked'
      and a.starts_at > ledger_now()
    on conflict do nothing;
  end if;
  perform ask_for_event(e.tenant_id, e.appointment_id)
  from calendar_events e
  where e.tenant_id = p_tenant_id and e.practitioner_id = p_practitioner_id and e.told_revision < e.revision;
  perform ask_for_reports(p_tenant_id, p_practitioner_id, null);
end
$$;

-- What was read of a calendar: [{id, seriesId, removed, startsAt, endsAt}], without a time where it takes none.
create or replace function read_events(p_events jsonb) returns table (id text, series_id text, removed boolean,
    starts_at timestamptz, ends_at timestamptz)
  language sql immutable
  begin atomic
    select r.id, r."seriesId", coalesce(r.removed, false), r."startsAt", r."endsAt"
    from jsonb_to_recordset(p_events)
      as r (id text, "seriesId" text, removed boolean, "startsAt" timestamptz, "endsAt" timestamptz);
  end;

-- What becomes of an appointment becomes of its event: promised in the same transaction, whichever statement it was.
-- No runner is woken: the event follows within two seconds, and the booking waits for no other.
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

-- Has Google told what became of an appointment.
create or replace function ask_for_event(p_tenant_id uuid, p_appointment_id uuid) returns void
  language plpgsql as $$
begin
  perform enqueue_job('calendar-event', jsonb_build_object('tenantId', p_tenant_id, 'appointmentId', p_appointment_id),
    'calendar-event:' || p_appointment_id, ledger_now());
end
$$;

-- The id of an appointment's event. Google takes letters a to v and digits.
create or replace function calendar_event_id(p_appointment_id uuid) returns text
  language sql immutable return 'hl' || replace(p_appointment_id::text, '-', '');
