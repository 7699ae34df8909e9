-- A reading of a calendar is applied in parts: applied at once, ten thousand events kept the practitioner's claims
-- waiting for seconds. What must not be seen by halves, the place to go on from, is written last: whoever dies in
-- between has the same reading made again.

drop function apply_calendar(uuid, jsonb);

-- Begins to apply a reading that began in round p_round. Gives the round its parts belong to, or null when another
-- reading was begun to be applied since: which of the two knows more nobody can say.
create function begin_reading(p_tenant_id uuid, p_practitioner_id uuid, p_calendar_id text, p_round bigint)
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

-- Makes busy times follow some events of a reading. Each event is changed in one: between its being where it was and
-- its being where it is now nobody finds the time open. Slots and appointments are never touched.
-- Gives {applied, changed}: false when another reading was begun to be applied since; how many busy times changed.
create function apply_reading_part(p_tenant_id uuid, p_practitioner_id uuid, p_round bigint, p_events jsonb)
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

-- Google answers: whatever it was not told yet is told now, with p_whole the appointments too that were made before
-- there was a calendar, and new conflicts are reported. Nothing here decides about anybody's time, so no claim waits
-- for it; the jobs find each appointment as it is by then.
create function ask_after_reading(p_tenant_id uuid, p_practitioner_id uuid, p_calendar_id text, p_whole boolean)
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

-- The reading is applied to its end: what became of our own events, and the place to go on from.
-- p_reading: {practitionerId, calendarId, round, whole, listedFrom, events, syncToken, windowEndsAt}; of the events only
-- our own; whole: it was the whole window, and what is not in it is not there.
-- Gives false when another reading was begun to be applied since.
create function finish_reading(p_tenant_id uuid, p_reading jsonb) returns boolean
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
