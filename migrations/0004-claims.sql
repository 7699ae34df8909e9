-- Claims. Each function is one round trip: it says whose rows it works on, takes its locks in one order
-- (the call, then practitioners by key) and decides. Without the practitioner's lock two overlapping claims
-- that each write and then meet the other's exclusion constraint would deadlock.

create function lock_practitioners(p_ids uuid[]) returns void
  language plpgsql as $$
declare
  k bigint;
begin
  for k in select distinct hashtextextended(id::text, 2) from unnest(p_ids) as id where id is not null order by 1 loop
    perform pg_advisory_xact_lock(k);
  end loop;
end
$$;

-- Whether anything live stands in a slot's way: a claim by somebody else, or the practitioner's own plans.
-- Window bounds on starts_at repeat what && says in a form an index may serve under row-level security.
-- p_call_sid's own hold is not in the way, nor is the slot p_leaving, which is being given up.
create function slot_in_use(slot available_slots, p_call_sid text, p_now timestamptz, p_leaving uuid default null)
  returns boolean
  language sql stable
  return exists (
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

-- Gives back a hold that ended without being confirmed.
create function free_slot(p_id uuid, p_cause text) returns void
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

-- Makes an open slot this call's hold. The caller holds the locks and has checked that nothing is in the way.
create function take_slot(target available_slots, p_call_sid text, p_now timestamptz) returns available_slots
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
    where c.practitioner_id = target.practitioner_id and c.status = 'reserved' and c.expires_at <= p_now
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

-- Which of the organization's limits one more hold would break: call, number or organization; null when none.
create function hold_limit(p_tenant_id uuid, p_call_sid text, p_now timestamptz) returns text
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

-- Claims a slot for a call. Gives {success, slot_id, version, expires_at}, or {success: false, reason}:
-- unknown_slot, in_the_past, taken, changed with the present version when it is not the one offered, or limit.
create function claim_slot_atomic(p_tenant_id uuid, p_slot_id text, p_call_sid text, p_version uuid) returns jsonb
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

-- The same for a turn: a request that a newer one has replaced claims nothing.
create function claim_slot_in_turn(p_tenant_id uuid, p_slot_id text, p_call_sid text, p_version uuid, p_turn bigint)
  returns jsonb language plpgsql as $$
begin
  if superseded(p_tenant_id, p_call_sid, p_turn) then
    return jsonb_build_object('success', false, 'reason', 'superseded');
  end if;
  return claim_slot_atomic(p_tenant_id, p_slot_id, p_call_sid, p_version);
end
$$;

create function superseded(p_tenant_id uuid, p_call_sid text, p_turn bigint) returns boolean
  language plpgsql as $$
begin
  perform lock_call(p_tenant_id, p_call_sid);
  return p_turn is not null and exists (
    select from call_states where tenant_id = p_tenant_id and call_sid = p_call_sid and turn > p_turn);
end
$$;

-- Gives up the hold a call has. Gives {released: whether there was one}.
create function release_hold(p_tenant_id uuid, p_call_sid text, p_cause text) returns jsonb
  language plpgsql as $$
declare
  held available_slots;
begin
  perform lock_call(p_tenant_id, p_call_sid);
  select * into held from available_slots
    where tenant_id = p_tenant_id and reserved_by = p_call_sid and status = 'reserved';
  if not found then
    return jsonb_build_object('released', false);
  end if;
  perform lock_practitioners(array[held.practitioner_id]);
  -- Between the two statements another claim may have freed it as expired.
  if not exists (select from available_slots where id = held.id and version = held.version) then
    return jsonb_build_object('released', false);
  end if;
  perform free_slot(held.id, p_cause);
  update call_states set step = 'check_avail', expires_at = null, hold_version = null, hold_user_turns = null,
    cause = p_cause
  where tenant_id = p_tenant_id and call_sid = p_call_sid and step in ('reserve', 'confirm_sms');
  return jsonb_build_object('released', true);
end
$$;
