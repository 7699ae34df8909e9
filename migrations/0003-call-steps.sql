-- Where a call may go from where it stands: the one place that says so.
--   greeting → check_avail → reserve → confirm_sms → booked
-- and the steps back that real calls make. Any step may fail, and a failed call may go on.

create table step_transitions (
  from_step text not null,
  to_step text not null,
  primary key (from_step, to_step)
);
insert into step_transitions (from_step, to_step) values
  ('greeting', 'check_avail'),
  ('greeting', 'reserve'),        -- a caller who names a slot another door offered
  ('greeting', 'confirm_sms'),    -- a call-back finds the hold of the call before
  ('check_avail', 'reserve'),
  ('check_avail', 'booked'),      -- an appointment moved to an offered slot
  ('check_avail', 'greeting'),    -- an appointment cancelled
  ('reserve', 'confirm_sms'),
  ('reserve', 'check_avail'),     -- another day
  ('confirm_sms', 'reserve'),     -- another slot
  ('confirm_sms', 'check_avail'),
  ('confirm_sms', 'booked'),
  ('booked', 'check_avail'),      -- a second booking, or another time for this one
  ('booked', 'reserve'),
  ('booked', 'greeting'),         -- cancelled
  ('failed', 'greeting'),
  ('failed', 'check_avail'),
  ('failed', 'reserve'),
  ('failed', 'confirm_sms');
insert into step_transitions (from_step, to_step)
  select step, 'failed' from unnest(array['greeting', 'check_avail', 'reserve', 'confirm_sms', 'booked']) as step;
grant select on step_transitions to holdline_app;

create function refuse_illegal_step() returns trigger
  language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    if new.step <> 'greeting' then
      raise exception 'a call starts with greeting, not with %', new.step using errcode = 'check_violation';
    end if;
  elsif new.step <> old.step and not exists (
    select from step_transitions t where t.from_step = old.step and t.to_step = new.step
  ) then
    raise exception 'a call cannot go from % to %', old.step, new.step using errcode = 'check_violation';
  end if;
  new.updated_at := ledger_now();
  return new;
end
$$;
create trigger legal_step before insert or update on call_states
  for each row execute function refuse_illegal_step();

-- No change of a step, or of the slot it is about, can miss the history: the history is written here.
create function write_call_history() returns trigger
  language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into call_history (tenant_id, call_sid, from_step, to_step, slot_id, cause)
    values (new.tenant_id, new.call_sid, null, new.step, new.slot_id, new.cause);
  elsif new.step <> old.step or new.slot_id is distinct from old.slot_id
    -- The same slot held once more, after its hold had expired, is something that happened too.
    or (new.hold_version is not null and new.hold_version is distinct from old.hold_version) then
    insert into call_history (tenant_id, call_sid, from_step, to_step, slot_id, cause)
    values (new.tenant_id, new.call_sid, old.step, new.step, new.slot_id, new.cause);
  end if;
  return null;
end
$$;
create trigger history after insert or update on call_states
  for each row execute function write_call_history();

-- One call's operations happen one after another, on whichever process they run.
create function lock_call(p_tenant_id uuid, p_call_sid text) returns void
  language sql volatile
  begin atomic
    -- A lock that is not to be had is a fault somebody must hear about within the caller's patience.
    select set_config('holdline.tenant_id', p_tenant_id::text, true), set_config('lock_timeout', '3s', true);
    select pg_advisory_xact_lock(hashtextextended(p_tenant_id::text || '/' || p_call_sid, 1));
  end;

-- The number this function gives is the caller's turn; state is what the model is told about.
-- p_user_turns: messages of the caller in the history so far; null where a door has no history.
create function begin_turn(p_tenant_id uuid, p_call_sid text, p_caller text, p_user_turns integer) returns jsonb
  language plpgsql as $$
declare
  call call_states;
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
  update call_states c set
    turn = c.turn + 1,
    user_turns = p_user_turns,
    caller = coalesce(c.caller, p_caller),
    ended_at = null,
    -- The hold was spoken and the caller has said something since: what is awaited now is the yes.
    step = case when c.step = 'reserve' and p_user_turns > c.hold_user_turns then 'confirm_sms' else c.step end,
    cause = case when c.step = 'reserve' and p_user_turns > c.hold_user_turns then 'hold read back' else c.cause end
  where c.tenant_id = p_tenant_id and c.call_sid = p_call_sid
  returning * into call;
  return call_snapshot(call);
end
$$;

-- What is so about a call at this moment.
create function call_snapshot(call call_states) returns jsonb
  language sql volatile
  return jsonb_build_object(
    'turn', call.turn,
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
