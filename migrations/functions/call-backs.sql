-- A caller who was cut off finds the hold of the call before.

-- A caller who was cut off calls again: the live hold of a call that has ended moves to the new call of the same
-- number. A call that is still on keeps its hold. Caller ids can be forged, so what the hold is about is for the
-- caller to say and not for us to read out (accept_adopted_hold). Locks the new call, then the practitioner, and never
-- the earlier call. Returns whether a hold came over.
-- Each live hold's call is looked up by its key. As a join, the plan that was made while there were few calls read
-- every call of the number for every hold: with 80 holds and 2,000 calls, a call's first turn took 23 ms instead of 1.
create or replace function adopt_hold(p_tenant_id uuid, p_call_sid text, p_caller text) returns boolean
  language plpgsql as $$
declare
  earlier call_states;
  held available_slots;
begin
  perform lock_call(p_tenant_id, p_call_sid);
  -- Nearly everybody calls for the first time, or is still on.
  if not exists (
    select from call_states
    where tenant_id = p_tenant_id and caller = p_caller and ended_at is not null and call_sid <> p_call_sid)
  then
    return false;
  end if;
  for held in
    select * from available_slots
    where tenant_id = p_tenant_id and status = 'reserved' and expires_at > ledger_now() and reserved_by <> p_call_sid
    order by expires_at desc
  loop
    select * into earlier from call_states where tenant_id = p_tenant_id and call_sid = held.reserved_by;
    exit when earlier.caller = p_caller and earlier.ended_at is not null;
    earlier := null;
  end loop;
  if earlier.call_sid is null then
    return false;
  end if;
  perform lock_practitioners(array[held.practitioner_id]);
  -- The hold is fenced by a new version: a late confirmation of the earlier call books nothing.
  update available_slots set reserved_by = p_call_sid, version = gen_random_uuid()
  where id = held.id and version = held.version and status = 'reserved' and expires_at > ledger_now()
  returning * into held;
  if not found then
    return false;
  end if;
  insert into call_history (tenant_id, call_sid, slot_id, cause)
  values (p_tenant_id, earlier.call_sid, held.slot_id, 'hold moved to the call-back');
  update call_states set step = 'confirm_sms', slot_id = held.slot_id, hold_version = held.version,
    hold_user_turns = user_turns, expires_at = held.expires_at, patient_data = earlier.patient_data || patient_data,
    adopted_from = earlier.call_sid, cause = 'hold of the earlier call'
  where tenant_id = p_tenant_id and call_sid = p_call_sid;
  return true;
end
$$;

-- The caller has said the name on the hold of the earlier call: from now on it is this call's like any other. The
-- words that said the name are not a yes to the time, which has not been read out yet. Locks the call.
-- Returns {call} (with_call).
create or replace function accept_adopted_hold(p_tenant_id uuid, p_call_sid text, p_name text) returns jsonb
  language plpgsql as $$
begin
  perform lock_call(p_tenant_id, p_call_sid);
  update call_states set adopted_from = null, hold_user_turns = user_turns,
    patient_data = patient_data || jsonb_build_object('name', p_name)
  where tenant_id = p_tenant_id and call_sid = p_call_sid;
  return with_call('{}', p_tenant_id, p_call_sid);
end
$$;
