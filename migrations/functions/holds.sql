-- Holds: a slot that one call owns for some minutes. Each function is one round trip: it says whose rows it works on,
-- takes its locks (functions/locks.sql) and decides. A hold ends at its expires_at, with nobody sweeping.

-- How long a hold lasts. It stands here and nowhere else.
create or replace function hold_lifetime() returns interval
  language sql immutable return interval '5 minutes';

-- Claims a slot for a call. The first to get the practitioner's lock wins; everybody after it finds the slot taken.
-- Locks the call, then the practitioners of the slot and of the call's present hold, which is given up.
-- Asked again for what the call holds or has booked, it changes nothing and tells the same success.
-- Returns {success, slot_id, version, expires_at}, with booked: true for its own appointment's slot; or
-- {success: false, reason}: unknown_slot, in_the_past, taken, changed (with the version it has now, when that is not
-- the one offered), limit (with which one: call, number or organization).
create or replace function claim_slot_atomic(p_tenant_id uuid, p_slot_id text, p_call_sid text, p_version uuid) returns jsonb
  language plpgsql as $$
declare
  target available_slots;
  own available_slots;
  moment timestamptz;
  reached text;
begin
  perform lock_call(p_tenant_id, p_call_sid);
  select * into target from available_slots where tenant_id = p_tenant_id and slot_id = p_slot_id;
  if not found then
    return jsonb_build_object('success', false, 'reason', 'unknown_slot');
  end if;
  select * into own from available_slots
    where tenant_id = p_tenant_id and reserved_by = p_call_sid and status = 'reserved';
  perform lock_practitioners(array[target.practitioner_id, own.practitioner_id]);
  moment := ledger_now();
  select * into target from available_slots where id = target.id;

  if target.status = 'reserved' and target.reserved_by = p_call_sid and target.expires_at > moment then
    -- Asked again for what it holds: nothing changes, and the same success is told again.
    return jsonb_build_object('success', true, 'slot_id', target.slot_id, 'version', target.version,
      'expires_at', target.expires_at);
  end if;
  if target.status = 'booked' and exists (
    select from appointments a where a.tenant_id = p_tenant_id and a.slot_id = p_slot_id
      and a.call_sid = p_call_sid and a.status = 'booked'
  ) then
    return jsonb_build_object('success', true, 'slot_id', target.slot_id, 'version', target.version, 'booked', true);
  end if;
  if target.starts_at <= moment then
    return jsonb_build_object('success', false, 'reason', 'in_the_past');
  end if;
  if target.status in ('booked', 'blocked') or slot_in_use(target, p_call_sid, moment) then
    return jsonb_build_object('success', false, 'reason', 'taken');
  end if;
  if target.version is distinct from p_version then
    return jsonb_build_object('success', false, 'reason', 'changed', 'version', target.version);
  end if;

  reached := hold_limit(p_tenant_id, p_call_sid, moment);
  if reached is not null then
    return jsonb_build_object('success', false, 'reason', 'limit', 'limit', reached);
  end if;

  target := take_slot(target, p_call_sid, moment);
  insert into call_states (tenant_id, call_sid, cause) values (p_tenant_id, p_call_sid, 'call started')
    on conflict (tenant_id, call_sid) do nothing;
  update call_states set step = 'reserve', slot_id = target.slot_id, hold_version = target.version,
    hold_user_turns = user_turns, expires_at = target.expires_at, cause = 'slot claimed', error_message = null
  where tenant_id = p_tenant_id and call_sid = p_call_sid;
  return jsonb_build_object('success', true, 'slot_id', target.slot_id, 'version', target.version,
    'expires_at', target.expires_at);
end
$$;

-- The same for a turn: one that a newer request has superseded claims nothing (reason superseded). A success comes with
-- what is so in the call afterwards (with_call). A refusal changes nothing in the call and comes without: in a rush on
-- one slot every loser would read it while the next one waits for the practitioner's lock.
create or replace function claim_slot_in_turn(p_tenant_id uuid, p_slot_id text, p_call_sid text, p_version uuid, p_turn bigint)
  returns jsonb language plpgsql as $$
declare
  answer jsonb;
begin
  if superseded(p_tenant_id, p_call_sid, p_turn) then
    return jsonb_build_object('success', false, 'reason', 'superseded');
  end if;
  answer := claim_slot_atomic(p_tenant_id, p_slot_id, p_call_sid, p_version);
  return case when (answer ->> 'success')::boolean then with_call(answer, p_tenant_id, p_call_sid) else answer end;
end
$$;

-- Which of the organization's limits one more hold would break: call, number or organization; null when none.
-- It bounds how much of a clinic's day callers can block; 0001-organizations.sql gives each limit's reason.
create or replace function hold_limit(p_tenant_id uuid, p_call_sid text, p_now timestamptz) returns text
  language plpgsql stable as $$
declare
  o organizations;
  number text;
begin
  select * into o from organizations where id = p_tenant_id;
  if (select count(*) from call_history h
      where h.tenant_id = p_tenant_id and h.call_sid = p_call_sid and h.cause = 'slot claimed')
     >= o.holds_per_call_max then
    return 'call';
  end if;
  select caller into number from call_states where tenant_id = p_tenant_id and call_sid = p_call_sid;
  if number is not null and (
      select count(*) from call_states c
      join call_history h on h.tenant_id = c.tenant_id and h.call_sid = c.call_sid
      where c.tenant_id = p_tenant_id and c.caller = number and h.cause = 'slot claimed'
        and h.at > p_now - interval '1 day')
     >= o.holds_per_number_and_day_max then
    return 'number';
  end if;
  -- The limit stops the counting: an organization without one pays nothing.
  if o.live_holds_max is not null and (
      select count(*) from available_slots
      where tenant_id = p_tenant_id and status = 'reserved' and expires_at > p_now and reserved_by <> p_call_sid)
     >= o.live_holds_max then
    return 'organization';
  end if;
  return null;
end
$$;

-- Whether anything live stands in a slot's way: hours that no longer have it, a claim by somebody else, or the
-- practitioner's own plans. p_call_sid's own hold is not in the way, nor is the slot p_leaving, which is being given up.
-- Bounds on starts_at repeat what && says in a form an index can serve under row-level security.
create or replace function slot_in_use(slot available_slots, p_call_sid text, p_now timestamptz,
  p_leaving uuid default null) returns boolean
  language sql stable
  -- A row that is gone by the time it is looked at again is nobody's.
  return slot.withdrawn is not false or exists (
    select from available_slots c
    where c.practitioner_id = slot.practitioner_id
      and c.id is distinct from p_leaving
      and c.status in ('reserved', 'booked')
      and c.starts_at > slot.starts_at - interval '1 day' and c.starts_at < upper(slot.occupies)
      and c.occupies && slot.occupies
      and (c.status = 'booked' or (c.expires_at > p_now and c.reserved_by is distinct from p_call_sid)))
  or exists (
    select from busy_times b
    where b.practitioner_id = slot.practitioner_id
      and b.ends_at > slot.starts_at and b.starts_at < upper(slot.during));

-- Makes an open slot this call's hold, and gives up what the call held before and stale holds that lie in the way.
-- Whoever calls it has the locks, and has checked that nothing live is in the way. Returns the slot as it is then.
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

-- Gives back a hold that ended without being confirmed, with a line in its call's history. Whoever calls it has the
-- practitioner's lock.
create or replace function free_slot(p_id uuid, p_cause text) returns void
  language plpgsql as $$
declare
  freed available_slots;
  holder text;
begin
  select reserved_by into holder from available_slots where id = p_id;
  update available_slots set status = 'available', version = gen_random_uuid(),
    reserved_by = null, reserved_at = null, expires_at = null
  where id = p_id returning * into freed;
  -- The other call's state row is not touched (never lock another call's row); its next turn finds out.
  insert into call_history (tenant_id, call_sid, slot_id, cause)
  values (freed.tenant_id, holder, freed.slot_id, p_cause);
end
$$;

-- Gives up the hold a call has. Locks the call, then the practitioner.
-- Returns {released: whether there was one, call} (with_call).
create or replace function release_hold(p_tenant_id uuid, p_call_sid text, p_cause text) returns jsonb
  language plpgsql as $$
declare
  held available_slots;
begin
  perform lock_call(p_tenant_id, p_call_sid);
  select * into held from available_slots
    where tenant_id = p_tenant_id and reserved_by = p_call_sid and status = 'reserved';
  if not found then
    return with_call(jsonb_build_object('released', false), p_tenant_id, p_call_sid);
  end if;
  perform lock_practitioners(array[held.practitioner_id]);
  -- Between the two statements another claim may have freed it as expired.
  if not exists (select from available_slots where id = held.id and version = held.version) then
    return with_call(jsonb_build_object('released', false), p_tenant_id, p_call_sid);
  end if;
  perform free_slot(held.id, p_cause);
  update call_states set step = 'check_avail', expires_at = null, hold_version = null, hold_user_turns = null,
    cause = p_cause
  where tenant_id = p_tenant_id and call_sid = p_call_sid and step in ('reserve', 'confirm_sms');
  return with_call(jsonb_build_object('released', true), p_tenant_id, p_call_sid);
end
$$;

-- A hold's last minute, while its call is on. p_version is the hold the question is about. One process gets to act:
-- a caller who has just said something is given two more minutes, once; one who has not is warned, once.
-- Locks the call, and the practitioner when it extends.
-- Returns {action: extended | warn | none, remaining_ms}: a length, because the asker's clock is another.
create or replace function hold_in_last_minute(p_tenant_id uuid, p_call_sid text, p_version uuid) returns jsonb
  language plpgsql as $$
declare
  call call_states;
  held available_slots;
  moment timestamptz;
  last_minute constant interval := interval '65 seconds';
begin
  perform lock_call(p_tenant_id, p_call_sid);
  select * into call from call_states where tenant_id = p_tenant_id and call_sid = p_call_sid;
  select * into held from available_slots
    where tenant_id = p_tenant_id and reserved_by = p_call_sid and status = 'reserved' and version = p_version;
  moment := ledger_now();
  if held.id is null or call.ended_at is not null or held.expires_at <= moment or call.warned_version = p_version then
    return jsonb_build_object('action', 'none');
  end if;
  if held.expires_at > moment + last_minute then
    -- Another process has extended it.
    return jsonb_build_object('action', 'none', 'remaining_ms', milliseconds_of(held.expires_at - moment));
  end if;
  if call.extended_version is distinct from p_version and call.turn_began_at > moment - interval '45 seconds' then
    perform lock_practitioners(array[held.practitioner_id]);
    update available_slots set expires_at = expires_at + interval '2 minutes'
      where id = held.id and status = 'reserved' and version = p_version and expires_at > ledger_now()
      returning * into held;
    if not found then
      return jsonb_build_object('action', 'none');
    end if;
    update call_states set extended_version = p_version, expires_at = held.expires_at
      where tenant_id = p_tenant_id and call_sid = p_call_sid;
    insert into call_history (tenant_id, call_sid, slot_id, cause)
      values (p_tenant_id, p_call_sid, held.slot_id, 'hold extended');
    return jsonb_build_object('action', 'extended', 'remaining_ms', milliseconds_of(held.expires_at - moment));
  end if;
  update call_states set warned_version = p_version where tenant_id = p_tenant_id and call_sid = p_call_sid;
  return jsonb_build_object('action', 'warn', 'remaining_ms', milliseconds_of(held.expires_at - moment));
end
$$;
