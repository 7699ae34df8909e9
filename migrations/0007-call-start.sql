-- What a call's start, its end, its requests' order and its hold's last minute need; and whose model speaks.

-- Whose model answers: ours (the custom-LLM door), or the platform's own with our tools. The second wants the
-- sentence of a result with it, because nobody else of ours speaks.
alter table organizations add column model text not null default 'holdline' check (model in ('holdline', 'platform'));

alter table call_states
  -- When the newest request that began a turn was sent, by the platform's own clock. One that was sent earlier
  -- but arrives later is nobody's turn any more.
  add column requested_at timestamptz,
  -- When that turn began, by the ledger's clock.
  add column turn_began_at timestamptz,
  -- The hold whose caller was warned of its end, and the one that was extended: each once.
  add column warned_version uuid,
  add column extended_version uuid;

create or replace function organization_directory() returns setof jsonb
  language sql stable security definer set search_path = public, pg_temp
  begin atomic
    select jsonb_build_object(
      'id', o.id, 'key', o.key, 'name', o.name, 'zone', o.zone, 'country', o.country,
      'languages', o.languages, 'receptionistName', o.receptionist_name, 'humanNumber', o.human_number,
      'vapiPrompt', o.vapi_prompt, 'model', o.model, 'releaseOnHangUp', o.release_on_hang_up, 'schedule', o.schedule,
      'practitioners', coalesce((
        select jsonb_agg(jsonb_build_object('id', p.id, 'key', p.key, 'name', p.name,
          'spokenName', p.spoken_name, 'weekly', p.weekly) order by p.key)
        from practitioners p where p.tenant_id = o.id), '[]'),
      'addresses', coalesce((
        select jsonb_agg(jsonb_build_object('kind', a.kind, 'value', a.value))
        from organization_addresses a where a.tenant_id = o.id), '[]'),
      'keyHashes', coalesce((
        select jsonb_agg(encode(k.hash, 'hex'))
        from organization_keys k where k.tenant_id = o.id and k.revoked_at is null), '[]'))
    from organizations o;
  end;

-- A call starts, by whichever message says so first. The caller's hold of a call that was cut off comes over to it.
-- Gives {first, hold, upcoming}: whether this was the first sign of the call, whether it has a live hold, and how many
-- appointments are to come under the number it comes from.
create function start_call(p_tenant_id uuid, p_call_sid text, p_caller text) returns jsonb
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
      where a.tenant_id = p_tenant_id and a.patient ->> 'phone' = p_caller and a.status = 'booked'
        and a.starts_at > ledger_now()));
end
$$;

-- What is so about a call at this moment, and when that is.
create or replace function call_snapshot(call call_states) returns jsonb
  language sql volatile
  return jsonb_build_object(
    'turn', call.turn,
    -- A hold's end is told by this clock; whoever waits for it must not measure with another.
    'now', ledger_now(),
    'step', call.step,
    'userTurns', call.user_turns,
    'caller', call.caller,
    'patient', call.patient_data,
    'holdVersion', call.hold_version,
    'hold', (
      select jsonb_build_object('slotId', s.slot_id, 'version', s.version, 'startsAt', s.starts_at,
        'practitionerId', s.practitioner_id, 'expiresAt', s.expires_at, 'userTurns', call.hold_user_turns,
        'fromEarlierCall', call.adopted_from is not null)
      from available_slots s
      where s.tenant_id = call.tenant_id and s.reserved_by = call.call_sid and s.status = 'reserved'
        and s.expires_at > ledger_now()),
    'appointment', (
      select jsonb_build_object('id', a.id, 'slotId', a.slot_id, 'startsAt', a.starts_at,
        'practitionerId', a.practitioner_id)
      from appointments a
      where a.tenant_id = call.tenant_id and a.call_sid = call.call_sid and a.status = 'booked'
      order by a.created_at desc limit 1),
    'found', coalesce((
      select jsonb_agg(jsonb_build_object('number', f.number, 'id', a.id, 'slotId', a.slot_id,
        'startsAt', a.starts_at, 'practitionerId', a.practitioner_id, 'userTurns', call.found_user_turns)
        order by f.number)
      from unnest(call.found_appointments) with ordinality as f (id, number)
      join appointments a on a.tenant_id = call.tenant_id and a.id = f.id and a.status = 'booked'), '[]'),
    'offers', coalesce((
      select jsonb_agg(jsonb_build_object('number', o.number, 'slotId', o.slot_id, 'version', o.version,
        'startsAt', s.starts_at, 'practitionerId', s.practitioner_id, 'userTurns', o.user_turns,
        'offeredAt', o.offered_at) order by o.number)
      from call_offers o join available_slots s on s.tenant_id = o.tenant_id and s.slot_id = o.slot_id
      where o.tenant_id = call.tenant_id and o.call_sid = call.call_sid), '[]'));

-- The number this function gives is the caller's turn; state is what the model is told about.
-- p_user_turns: messages of the caller in the history so far; null where a door has no history.
-- p_requested_at: when the platform sent the request, by its own clock; null where it does not say. A request that
-- was sent before the one whose turn has just begun gets no number: {superseded: true}. Platforms repeat and extend
-- requests within a second or two; past that the order of arrival counts, so that one wrong stamp strands no call.
drop function begin_turn(uuid, text, text, integer);
create function begin_turn(p_tenant_id uuid, p_call_sid text, p_caller text, p_user_turns integer,
  p_requested_at timestamptz default null) returns jsonb
  language plpgsql as $$
declare
  call call_states;
  moment timestamptz;
begin
  perform lock_call(p_tenant_id, p_call_sid);
  insert into call_states (tenant_id, call_sid, caller, cause) values (p_tenant_id, p_call_sid, p_caller, 'call started')
    on conflict (tenant_id, call_sid) do nothing;
  if found and p_caller is not null and adopt_hold(p_tenant_id, p_call_sid, p_caller) then
    null; -- The caller was cut off and is back; what follows reads the hold like any other.
  else
    -- Losing the number of a turn in a crash loses nothing: the caller's next words begin a new one.
    perform set_config('synchronous_commit', 'off', true);
  end if;
  moment := ledger_now();
  update call_states c set
    turn = c.turn + 1,
    requested_at = p_requested_at,
    turn_began_at = moment,
    user_turns = p_user_turns,
    caller = coalesce(c.caller, p_caller),
    ended_at = null,
    -- The hold was spoken and the caller has said something since: what is awaited now is the yes.
    step = case when c.step = 'reserve' and p_user_turns > c.hold_user_turns then 'confirm_sms' else c.step end,
    cause = case when c.step = 'reserve' and p_user_turns > c.hold_user_turns then 'hold read back' else c.cause end
  where c.tenant_id = p_tenant_id and c.call_sid = p_call_sid
    and (p_requested_at is null or c.requested_at is null or p_requested_at >= c.requested_at
      or c.turn_began_at < moment - interval '5 seconds')
  returning * into call;
  if not found then
    return jsonb_build_object('superseded', true);
  end if;
  return call_snapshot(call);
end
$$;

create function milliseconds_of(length interval) returns double precision
  language sql immutable return round(extract(epoch from length) * 1000);

-- A hold's last minute, while its call is on. One process gets to act: a caller who has just said something is given
-- two more minutes, once; one who has not is warned, once. p_version is the hold the question is about.
-- Gives {action: extended | warn | none, remaining_ms}: lengths, because the asker's clock is another.
create function hold_in_last_minute(p_tenant_id uuid, p_call_sid text, p_version uuid) returns jsonb
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

-- Notes that a call ended, once, and why when it was a fault. Its hold is kept for a call-back unless p_release.
drop function end_call(uuid, text, boolean);
create function end_call(p_tenant_id uuid, p_call_sid text, p_release boolean, p_fault text default null) returns jsonb
  language plpgsql as $$
declare
  first boolean;
begin
  perform lock_call(p_tenant_id, p_call_sid);
  update call_states set
    ended_at = ledger_now(),
    error_message = coalesce(p_fault, error_message),
    step = case when p_fault is null or step = 'booked' then step else 'failed' end,
    cause = case when p_fault is null or step = 'booked' then cause else 'call broke off' end
  where tenant_id = p_tenant_id and call_sid = p_call_sid and ended_at is null;
  first := found;
  if p_release then
    perform release_hold(p_tenant_id, p_call_sid, 'caller hung up');
  end if;
  return jsonb_build_object('first', first);
end
$$;
