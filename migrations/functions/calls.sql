-- A call from its first sign to its end: turns, what was read out in it, and what is so about it.

-- A call starts, by whichever message says so first. A hold that the caller's number left in a call that was cut off
-- comes over to it. Locks the call.
-- Returns {first, upcoming, call}: whether this was the first sign of the call, how many appointments are to come under
-- the number it comes from, and what is so in the call (with_call).
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
  return with_call(
    jsonb_build_object('first', first, 'upcoming', (
      select count(*) from appointments a
      where a.tenant_id = p_tenant_id and a.phone = p_caller and a.status = 'booked'
        and a.starts_at > ledger_now())),
    p_tenant_id, p_call_sid);
end
$$;

-- Begins a turn: the number it gives is the caller's turn, and whoever holds an older one may change nothing any more.
-- p_user_turns: how many messages of the caller the history has; null where a door has no history.
-- p_requested_at: when the platform sent the request, by its own clock; null where it does not say. A request that
-- was sent before the one whose turn has just begun gets no number. Platforms repeat and extend requests within a
-- second or two; past five seconds the order of arrival counts, so that one wrong stamp strands no call.
-- Locks the call. Returns what is so about the call (call_snapshot), or {superseded: true}.
create or replace function begin_turn(p_tenant_id uuid, p_call_sid text, p_caller text, p_user_turns integer,
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

-- Begins turns of several calls in one round trip, each exactly as begin_turn does it alone.
-- p_turns: [{tenantId, callSid, caller, userTurns, requestedAt}]; the answers stand in the same order. What might wait,
-- or must be on disk before it is told, is not done here but given back as {"alone": true}: a call that another
-- operation is working on, and a call nobody has heard of, which may take over the hold of an earlier one.
-- Tries for each call's lock and never waits for one.
create or replace function begin_turns(p_turns jsonb) returns jsonb
  language plpgsql as $$
declare
  asked jsonb;
  answers jsonb[] := '{}';
begin
  for asked in select value from jsonb_array_elements(p_turns) with ordinality order by ordinality loop
    perform set_config('holdline.tenant_id', asked ->> 'tenantId', true);
    -- Trying never waits, so that no order of locks can be wrong.
    if pg_try_advisory_xact_lock(hashtextextended((asked ->> 'tenantId') || '/' || (asked ->> 'callSid'), 1))
      and exists (select from call_states
        where tenant_id = (asked ->> 'tenantId')::uuid and call_sid = asked ->> 'callSid')
    then
      answers := answers || begin_turn((asked ->> 'tenantId')::uuid, asked ->> 'callSid', asked ->> 'caller',
        (asked ->> 'userTurns')::integer, (asked ->> 'requestedAt')::timestamptz);
    else
      answers := answers || '{"alone": true}'::jsonb;
    end if;
  end loop;
  return to_jsonb(answers);
end
$$;

-- What is so about a call at this moment, and when that is. A turn begins with it, and whatever changes a call answers
-- with it (with_call).
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

-- An answer of a function that changed a call, with what is so in the call afterwards as its `call`: the same a turn
-- begins with, so that nobody has to work it out. Null where there is no such call. Read by the statement that made the
-- change, under the call's lock: nobody has come in between.
create or replace function with_call(p_answer jsonb, p_tenant_id uuid, p_call_sid text) returns jsonb
  language plpgsql as $$
declare
  call call_states;
begin
  select * into call from call_states where tenant_id = p_tenant_id and call_sid = p_call_sid;
  return p_answer || jsonb_build_object('call', case when call.id is not null then call_snapshot(call) end);
end
$$;

-- A call that has not ended and that was heard of lately: nobody says of every call that it is over.
create or replace function call_is_live(call call_states) returns boolean
  language sql volatile
  return call.ended_at is null
    and greatest(call.turn_began_at, call.created_at) > ledger_now() - interval '10 minutes';

-- Keeps what was read out in a call: p_offers is [{number, slotId, version}]. A turn that a newer one has superseded
-- writes no offers: the newer one did not find them when it began, so its own have the same numbers, and what the
-- caller was told last is what a number means. Offers whose numbers mean other slots by now are refused as a whole:
-- when two processes answer requests of one call at once and give the same numbers to different slots, the first to
-- write has them and the other asks again. Locks the call.
-- Returns {call} (with_call), or null for a turn that was superseded. Raises HL001 when it refuses;
-- src/booking/calls.ts knows the code.
create or replace function record_offers(p_tenant_id uuid, p_call_sid text, p_user_turns integer, p_offers jsonb,
  p_turn bigint default null) returns jsonb
  language plpgsql as $$
declare
  moment timestamptz := ledger_now();
begin
  if superseded(p_tenant_id, p_call_sid, p_turn) then
    return null;
  end if;
  insert into call_states (tenant_id, call_sid, cause) values (p_tenant_id, p_call_sid, 'call started')
    on conflict (tenant_id, call_sid) do nothing;
  -- One instant for all: the offers of one reading are those that share it.
  insert into call_offers (tenant_id, call_sid, number, slot_id, version, user_turns, offered_at)
  select p_tenant_id, p_call_sid, (o ->> 'number')::integer, o ->> 'slotId', (o ->> 'version')::uuid, p_user_turns,
    moment
  from jsonb_array_elements(p_offers) as o
  on conflict do nothing;
  if exists (
    select from jsonb_array_elements(p_offers) as o
    join call_offers c on c.tenant_id = p_tenant_id and c.call_sid = p_call_sid
      and c.number = (o ->> 'number')::integer and c.slot_id <> o ->> 'slotId')
  then
    raise exception 'another request of the call has offered under these numbers' using errcode = 'HL001';
  end if;
  update call_states set step = 'check_avail', cause = 'times offered'
  where tenant_id = p_tenant_id and call_sid = p_call_sid;
  return with_call('{}', p_tenant_id, p_call_sid);
end
$$;

-- Keeps which appointments a call found, after name and number agreed. Locks the call. Returns {call} (with_call).
create or replace function record_found(p_tenant_id uuid, p_call_sid text, p_user_turns integer, p_ids uuid[])
  returns jsonb
  language plpgsql as $$
begin
  perform lock_call(p_tenant_id, p_call_sid);
  update call_states set found_appointments = p_ids, found_user_turns = p_user_turns
  where tenant_id = p_tenant_id and call_sid = p_call_sid;
  return with_call('{}', p_tenant_id, p_call_sid);
end
$$;

-- Keeps how long turns took: [{tenantId, callSid, number, firstWordMs, toolMs, tools}]. Losing these in a crash loses
-- nothing that was promised to anybody, so nobody waits for the disk.
create or replace function record_turns(p_turns jsonb) returns void
  language plpgsql as $$
declare
  told jsonb;
begin
  perform set_config('synchronous_commit', 'off', true);
  for told in select value from jsonb_array_elements(p_turns) loop
    perform set_config('holdline.tenant_id', told ->> 'tenantId', true);
    insert into call_turns (tenant_id, call_sid, number, first_word_ms, tool_ms, tools)
    values ((told ->> 'tenantId')::uuid, told ->> 'callSid', (told ->> 'number')::bigint,
      (told ->> 'firstWordMs')::real, (told ->> 'toolMs')::real,
      array(select jsonb_array_elements_text(told -> 'tools')))
    on conflict do nothing;
  end loop;
end
$$;

-- Notes that a call ended, once, and why when it was a fault. Its hold is kept for a call-back unless p_release.
-- Locks the call, and the practitioner when it releases. Returns {first: whether it was not noted before}.
create or replace function end_call(p_tenant_id uuid, p_call_sid text, p_release boolean, p_fault text default null) returns jsonb
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
