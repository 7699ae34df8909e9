-- What else a call does: it is offered times, ends, is taken up again by a caller who was cut off; and what is kept
-- about a person, and for how long.

-- Slots of all practitioners that are open between two instants, stale holds counted as open.
create function open_slots(p_tenant_id uuid, p_from timestamptz, p_to timestamptz)
  returns table (slot_id text, version uuid, starts_at timestamptz, practitioner_id uuid)
  language plpgsql as $$
declare
  moment timestamptz := ledger_now();
begin
  perform set_config('holdline.tenant_id', p_tenant_id::text, true);
  return query
    select s.slot_id, s.version, s.starts_at, s.practitioner_id
    from available_slots s
    where s.tenant_id = p_tenant_id and s.starts_at >= p_from and s.starts_at < p_to
      and s.status in ('available', 'reserved') and (s.status = 'available' or s.expires_at <= moment)
      and not slot_in_use(s, null, moment)
    order by s.starts_at, s.slot_id;
end
$$;

-- Keeps what was read out in a call: p_offers is [{number, slotId, version}].
create function record_offers(p_tenant_id uuid, p_call_sid text, p_user_turns integer, p_offers jsonb) returns void
  language plpgsql as $$
declare
  moment timestamptz := ledger_now();
begin
  perform lock_call(p_tenant_id, p_call_sid);
  insert into call_states (tenant_id, call_sid, cause) values (p_tenant_id, p_call_sid, 'call started')
    on conflict (tenant_id, call_sid) do nothing;
  -- One instant for all: the offers of one reading are those that share it.
  insert into call_offers (tenant_id, call_sid, number, slot_id, version, user_turns, offered_at)
  select p_tenant_id, p_call_sid, (o ->> 'number')::integer, o ->> 'slotId', (o ->> 'version')::uuid, p_user_turns,
    moment
  from jsonb_array_elements(p_offers) as o
  on conflict do nothing;
  update call_states set step = 'check_avail', cause = 'times offered'
  where tenant_id = p_tenant_id and call_sid = p_call_sid;
end
$$;

-- Notes that a call ended, once. Its hold is kept for a call-back unless p_release.
create function end_call(p_tenant_id uuid, p_call_sid text, p_release boolean) returns jsonb
  language plpgsql as $$
declare
  first boolean;
begin
  perform lock_call(p_tenant_id, p_call_sid);
  update call_states set ended_at = ledger_now()
  where tenant_id = p_tenant_id and call_sid = p_call_sid and ended_at is null;
  first := found;
  if p_release then
    perform release_hold(p_tenant_id, p_call_sid, 'caller hung up');
  end if;
  return jsonb_build_object('first', first);
end
$$;

-- A caller who was cut off calls again: the live hold of a call that has ended moves to the new call of the same
-- number. Caller ids can be forged, so what the hold is about is for the caller to say, not for us to read out;
-- a call that is still on keeps its hold.
create function adopt_hold(p_tenant_id uuid, p_call_sid text, p_caller text) returns boolean
  language plpgsql as $$
declare
  earlier call_states;
  held available_slots;
begin
  perform lock_call(p_tenant_id, p_call_sid);
  select s.* into held
  from call_states c
  join available_slots s on s.tenant_id = c.tenant_id and s.reserved_by = c.call_sid and s.status = 'reserved'
  where c.tenant_id = p_tenant_id and c.caller = p_caller and c.call_sid <> p_call_sid and c.ended_at is not null
    and s.expires_at > ledger_now()
  order by s.expires_at desc limit 1;
  if not found then
    return false;
  end if;
  perform lock_practitioners(array[held.practitioner_id]);
  select * into earlier from call_states where tenant_id = p_tenant_id and call_sid = held.reserved_by;
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
-- words that said the name are not a yes to the time, which has not been read out yet.
create function accept_adopted_hold(p_tenant_id uuid, p_call_sid text, p_name text) returns void
  language plpgsql as $$
begin
  perform lock_call(p_tenant_id, p_call_sid);
  update call_states set adopted_from = null, hold_user_turns = user_turns,
    patient_data = patient_data || jsonb_build_object('name', p_name)
  where tenant_id = p_tenant_id and call_sid = p_call_sid;
end
$$;

-- Keeps which appointments a call found, after name and number agreed.
create function record_found(p_tenant_id uuid, p_call_sid text, p_user_turns integer, p_ids uuid[]) returns void
  language plpgsql as $$
begin
  perform lock_call(p_tenant_id, p_call_sid);
  update call_states set found_appointments = p_ids, found_user_turns = p_user_turns
  where tenant_id = p_tenant_id and call_sid = p_call_sid;
end
$$;

-- Removes a person from everything but the history, which never held them. Gives how many rows were changed.
-- Upcoming appointments are the caller's to cancel first: a booked time without a patient helps nobody.
create function forget_person(p_tenant_id uuid, p_phone text) returns integer
  language plpgsql as $$
declare
  changed integer := 0;
  n integer;
begin
  perform set_config('holdline.tenant_id', p_tenant_id::text, true);
  delete from text_messages t using appointments a
  where t.tenant_id = p_tenant_id and a.id = t.appointment_id and (t.number = p_phone or a.patient ->> 'phone' = p_phone);
  get diagnostics n = row_count;
  changed := changed + n;
  update call_states set patient_data = '{}', caller = null
  where tenant_id = p_tenant_id and (caller = p_phone or patient_data ->> 'phone' = p_phone
    or call_sid in (select call_sid from appointments where tenant_id = p_tenant_id and patient ->> 'phone' = p_phone));
  get diagnostics n = row_count;
  changed := changed + n;
  update appointments set patient = '{}', updated_at = ledger_now()
  where tenant_id = p_tenant_id and patient ->> 'phone' = p_phone;
  get diagnostics n = row_count;
  return changed + n;
end
$$;

-- Removes patients' details older than the organization keeps them. Gives how many rows were changed.
create function forget_expired(p_tenant_id uuid) returns integer
  language plpgsql as $$
declare
  horizon timestamptz;
  changed integer := 0;
  n integer;
begin
  perform set_config('holdline.tenant_id', p_tenant_id::text, true);
  select ledger_now() - make_interval(days => retention_days) into horizon from organizations where id = p_tenant_id;
  if horizon is null then
    return 0;
  end if;
  delete from text_messages where tenant_id = p_tenant_id and created_at < horizon;
  get diagnostics n = row_count;
  changed := changed + n;
  update call_states set patient_data = '{}', caller = null
  where tenant_id = p_tenant_id and created_at < horizon and (patient_data <> '{}' or caller is not null);
  get diagnostics n = row_count;
  changed := changed + n;
  update appointments set patient = '{}' where tenant_id = p_tenant_id and starts_at < horizon and patient <> '{}';
  get diagnostics n = row_count;
  return changed + n;
end
$$;
