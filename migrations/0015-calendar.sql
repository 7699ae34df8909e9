-- Practitioners' calendars: what they say about busy times comes in, appointments go out. Google is spoken to by jobs
-- alone; what a caller meets of it are rows in here.

alter table practitioners add column calendar_id text check (length(calendar_id) between 1 and 320);

-- What opens an organization's calendars, encrypted by the application (AES-256-GCM).
create table calendar_credentials (
  tenant_id uuid primary key references organizations,
  kind text not null check (kind in ('service-account', 'oauth')),
  sealed bytea not null,
  -- for people: whose they are
  account text not null,
  -- why they open nothing any more; somebody has to connect again
  problem text,
  connected_at timestamptz not null default now()
);

-- How far each calendar has been read.
create table calendar_syncs (
  practitioner_id uuid primary key,
  tenant_id uuid not null references organizations,
  calendar_id text not null,
  -- rises with each reading that was applied: of two at once the one that began with an older round is left out
  round bigint not null default 0,
  sync_token text,
  window_ends_at timestamptz,
  synced_at timestamptz,
  -- when the first reading was last asked for
  asked_at timestamptz,
  problem text,
  -- where Google tells us of changes
  channel_id text,
  channel_resource_id text,
  channel_expires_at timestamptz,
  foreign key (tenant_id, practitioner_id) references practitioners (tenant_id, id)
);
create index calendar_syncs_tenant on calendar_syncs (tenant_id);

-- An appointment's event in its practitioner's calendar, under an id that is the appointment's own, so that making it
-- twice makes it once.
create table calendar_events (
  appointment_id uuid primary key references appointments,
  tenant_id uuid not null references organizations,
  practitioner_id uuid not null,
  calendar_id text not null,
  event_id text not null unique,
  -- rises with each change of the appointment; Google was told of it up to told_revision
  revision bigint not null default 1,
  told_revision bigint not null default 0,
  told_at timestamptz,
  -- of the words it was told last, so that what the clinic writes into the event stays
  told_words bytea,
  problem text,
  created_at timestamptz not null default now(),
  foreign key (tenant_id, practitioner_id) references practitioners (tenant_id, id)
);
create index calendar_events_untold on calendar_events (tenant_id, practitioner_id) where told_revision < revision;

-- Where calendar and ledger disagree about an appointment: only people can say what is to become of it.
-- overlap: an event of the clinic's own lies on it. moved, removed: its own event was changed by somebody.
create table calendar_conflicts (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references organizations,
  practitioner_id uuid not null,
  appointment_id uuid not null references appointments,
  event_id text not null,
  kind text not null check (kind in ('overlap', 'moved', 'removed')),
  -- of the event; unknown when it was removed
  starts_at timestamptz,
  ends_at timestamptz,
  noticed_at timestamptz not null default ledger_now(),
  reported_at timestamptz,
  resolved_at timestamptz,
  unique (appointment_id, event_id, kind)
);
create index calendar_conflicts_open on calendar_conflicts (tenant_id, practitioner_id) where resolved_at is null;

do $$
declare
  name text;
begin
  foreach name in array array['calendar_credentials', 'calendar_syncs', 'calendar_events', 'calendar_conflicts'] loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy own_rows on %I to holdline_app
      using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())', name);
    execute format('grant select, insert, update, delete on %I to holdline_app', name);
  end loop;
end
$$;

alter table busy_times
  -- the event it comes from, and that one's series
  add column event_id text,
  add column series_id text;
create unique index busy_times_event on busy_times (practitioner_id, event_id);
create index busy_times_series on busy_times (practitioner_id, series_id) where series_id is not null;

create function ask_for_sync(p_tenant_id uuid, p_practitioner_id uuid) returns void
  language sql volatile
  begin atomic
    select enqueue_job('calendar-sync', jsonb_build_object('tenantId', p_tenant_id, 'practitionerId', p_practitioner_id),
      'calendar-sync:' || p_practitioner_id);
  end;

-- A practitioner gets a calendar, another one, or none any more.
create function take_calendar() returns trigger
  language plpgsql as $$
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
  insert into calendar_syncs (practitioner_id, tenant_id, calendar_id) values (new.id, new.tenant_id, new.calendar_id);
  if exists (select from calendar_credentials where tenant_id = new.tenant_id) then
    perform ask_for_sync(new.tenant_id, new.id);
  end if;
  return null;
end
$$;
create trigger calendar after insert or update of calendar_id on practitioners
  for each row execute function take_calendar();

-- Keeps an organization's credentials, and asks for a reading of all its calendars.
create function connect_calendars(p_tenant_id uuid, p_kind text, p_sealed bytea, p_account text) returns integer
  language plpgsql as $$
declare
  asked integer;
begin
  perform set_config('holdline.tenant_id', p_tenant_id::text, true);
  insert into calendar_credentials (tenant_id, kind, sealed, account)
  values (p_tenant_id, p_kind, p_sealed, p_account)
  on conflict (tenant_id) do update set kind = excluded.kind, sealed = excluded.sealed, account = excluded.account,
    problem = null, connected_at = now();
  select count(*) into asked
  from (select ask_for_sync(p_tenant_id, practitioner_id) from calendar_syncs where tenant_id = p_tenant_id) as each_one;
  return asked;
end
$$;

-- How many of an organization's calendars have never been read. The first who asks has them read; who asks again
-- within a minute only looks.
create function unread_calendars(p_tenant_id uuid) returns integer
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

-- What was read of a calendar: [{id, seriesId, removed, startsAt, endsAt}], without a time where it takes none.
create function read_events(p_events jsonb) returns table (id text, series_id text, removed boolean,
    starts_at timestamptz, ends_at timestamptz)
  language sql immutable
  begin atomic
    select r.id, r."seriesId", coalesce(r.removed, false), r."startsAt", r."endsAt"
    from jsonb_to_recordset(p_events)
      as r (id text, "seriesId" text, removed boolean, "startsAt" timestamptz, "endsAt" timestamptz);
  end;

-- Applies a reading of a calendar: busy times, the state of our own events, the place to go on from, all or nothing.
-- p_reading: {practitionerId, calendarId, round, whole, listedFrom, events, syncToken, windowEndsAt}; whole: it is the
-- whole window, and what is not in it is not there. Slots and appointments are never touched.
-- Gives {applied, changed}: false when another reading was applied since this one began; how many busy times changed.
create function apply_calendar(p_tenant_id uuid, p_reading jsonb) returns jsonb
  language plpgsql as $$
declare
  practitioner uuid := p_reading ->> 'practitionerId';
  whole boolean := p_reading ->> 'whole';
  events jsonb := p_reading -> 'events';
  changed integer := 0;
  n integer;
begin
  perform set_config('holdline.tenant_id', p_tenant_id::text, true);
  -- A booking that is being made meets either the busy time or, after it, the search for conflicts.
  perform lock_practitioners(array[practitioner]);
  update calendar_syncs set round = round + 1, sync_token = p_reading ->> 'syncToken', synced_at = ledger_now(),
    window_ends_at = coalesce((p_reading ->> 'windowEndsAt')::timestamptz, window_ends_at), problem = null
  where practitioner_id = practitioner and calendar_id = p_reading ->> 'calendarId'
    and round = (p_reading ->> 'round')::bigint;
  if not found then
    return jsonb_build_object('applied', false, 'changed', 0);
  end if;

  if whole then
    delete from busy_times b
    where b.practitioner_id = practitioner and b.source = 'google' and not exists (
      select from read_events(events) r
      where r.id = b.event_id and r.starts_at = b.starts_at and r.ends_at = b.ends_at);
    get diagnostics changed = row_count;
  else
    delete from busy_times b using read_events(events) r
    where b.practitioner_id = practitioner and b.event_id = r.id
      and (b.starts_at, b.ends_at) is distinct from (r.starts_at, r.ends_at);
    get diagnostics changed = row_count;
    -- A series that is gone, or became a single event, takes its instances along.
    delete from busy_times b using read_events(events) r
    where b.practitioner_id = practitioner and b.series_id = r.id;
    get diagnostics n = row_count;
    changed := changed + n;
  end if;

  -- An event of our own takes time only where somebody has moved it to; its appointment takes its slot already.
  insert into busy_times (tenant_id, practitioner_id, starts_at, ends_at, source, event_id, series_id)
  select p_tenant_id, practitioner, r.starts_at, r.ends_at, 'google', r.id, r.series_id
  from read_events(events) r
  where r.starts_at < r.ends_at and not exists (
    select from calendar_events e
    join appointments a on a.id = e.appointment_id
    join available_slots s on s.tenant_id = a.tenant_id and s.slot_id = a.slot_id
    where e.event_id = r.id
      and (a.status <> 'booked' or (r.starts_at = lower(s.during) and r.ends_at = upper(s.during))))
  on conflict (practitioner_id, event_id) do nothing;
  get diagnostics n = row_count;
  changed := changed + n;

  perform note_changed_events(p_tenant_id, p_reading);
  perform note_conflicts(p_tenant_id, practitioner);
  if whole then
    -- Appointments made before there was a calendar.
    insert into calendar_events (appointment_id, tenant_id, practitioner_id, calendar_id, event_id)
    select a.id, a.tenant_id, a.practitioner_id, p_reading ->> 'calendarId', calendar_event_id(a.id)
    from appointments a
    where a.tenant_id = p_tenant_id and a.practitioner_id = practitioner and a.status = 'booked'
      and a.starts_at > ledger_now()
    on conflict do nothing;
  end if;
  -- Google answers: whatever it was not told yet is told now.
  perform ask_for_event(e.tenant_id, e.appointment_id)
  from calendar_events e
  where e.tenant_id = p_tenant_id and e.practitioner_id = practitioner and e.told_revision < e.revision;
  if changed > 0 then
    perform announce_slots(p_tenant_id);
  end if;
  return jsonb_build_object('applied', true, 'changed', changed);
end
$$;

-- Google takes letters a to v and digits.
create function calendar_event_id(p_appointment_id uuid) returns text
  language sql immutable return 'hl' || replace(p_appointment_id::text, '-', '');

create function ask_for_event(p_tenant_id uuid, p_appointment_id uuid) returns void
  language sql volatile
  begin atomic
    select enqueue_job('calendar-event', jsonb_build_object('tenantId', p_tenant_id, 'appointmentId', p_appointment_id),
      'calendar-event:' || p_appointment_id);
  end;

-- What somebody did in the calendar to the events of live appointments.
create function note_changed_events(p_tenant_id uuid, p_reading jsonb) returns void
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

-- Finds the clinic's own events that lie on live appointments, ends the conflicts that are none any more, and has
-- each new one reported once.
create function note_conflicts(p_tenant_id uuid, p_practitioner_id uuid) returns void
  language plpgsql as $$
begin
  insert into calendar_conflicts as c (tenant_id, practitioner_id, appointment_id, event_id, kind, starts_at, ends_at)
  select a.tenant_id, a.practitioner_id, a.id, b.event_id, 'overlap', b.starts_at, b.ends_at
  from appointments a
  join available_slots s on s.tenant_id = a.tenant_id and s.slot_id = a.slot_id
  join busy_times b on b.practitioner_id = a.practitioner_id and b.source = 'google'
    and b.ends_at > lower(s.during) and b.starts_at < upper(s.during)
  where a.tenant_id = p_tenant_id and a.practitioner_id = p_practitioner_id and a.status = 'booked'
    and a.starts_at > ledger_now() - interval '1 day' and upper(s.during) > ledger_now()
    and b.event_id <> calendar_event_id(a.id)
  on conflict (appointment_id, event_id, kind) do update set starts_at = excluded.starts_at,
    ends_at = excluded.ends_at, resolved_at = null,
    noticed_at = case when c.resolved_at is null then c.noticed_at else ledger_now() end,
    reported_at = case when c.resolved_at is null then c.reported_at end;

  update calendar_conflicts c set resolved_at = ledger_now()
  where c.tenant_id = p_tenant_id and c.practitioner_id = p_practitioner_id and c.resolved_at is null
    and not exists (
      select from appointments a
      join available_slots s on s.tenant_id = a.tenant_id and s.slot_id = a.slot_id
      where a.id = c.appointment_id and a.status = 'booked'
        and (c.kind <> 'overlap' or exists (
          select from busy_times b
          where b.practitioner_id = c.practitioner_id and b.event_id = c.event_id
            and b.ends_at > lower(s.during) and b.starts_at < upper(s.during))));

  perform enqueue_job('report-conflict', jsonb_build_object('tenantId', p_tenant_id, 'conflictId', c.id),
    'report-conflict:' || c.id)
  from calendar_conflicts c
  where c.tenant_id = p_tenant_id and c.practitioner_id = p_practitioner_id and c.resolved_at is null
    and c.reported_at is null;
end
$$;

-- What becomes of an appointment becomes of its event: promised in the same transaction, whichever statement it was.
create function promise_event() returns trigger
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
  perform note_conflicts(new.tenant_id, new.practitioner_id);
  return null;
end
$$;
create trigger calendar_event after insert or update of status, patient on appointments
  for each row execute function promise_event();
