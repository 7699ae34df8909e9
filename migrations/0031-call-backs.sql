-- As before (0006), but each live hold's call is looked up by its key. Joined, the plan that was made while there were few
-- calls read every call of the number for every hold: with 80 holds and 2,000 calls a call's first
-- turn took 23 ms of Postgres instead of 1, and 150 new calls a second were more than it can begin.
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
