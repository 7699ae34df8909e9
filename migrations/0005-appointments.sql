-- Changes of what is booked: cancel and move, the hold of a caller who was cut off, and forgetting a person.

-- Cancels an appointment and opens its slot. p_call_sid is the call that asked, null for the clinic's own people.
-- Gives {success, appointment_id, starts_at, repeated}, or {success: false, reason: unknown_appointment | moved}.
create function cancel_appointment(p_tenant_id uuid, p_appointment_id uuid, p_call_sid text) returns jsonb
  language plpgsql as $$
declare
  gone appointments;
begin
  perform lock_call(p_tenant_id, coalesce(p_call_sid, 'clinic'));
  select * into gone from appointments where tenant_id = p_tenant_id and id = p_appointment_id;
  if not found then
    return jsonb_build_object('success', false, 'reason', 'unknown_appointment');
  end if;
  perform lock_practitioners(array[gone.practitioner_id]);
  select * into gone from appointments where id = gone.id;
  if gone.status = 'moved' then
    return jsonb_build_object('success', false, 'reason', 'moved');
  end if;
  if gone.status = 'booked' then
    perform leave_appointment(gone, 'cancelled', p_call_sid);
    update call_states set step = 'greeting', cause = 'appointment cancelled'
    where tenant_id = p_tenant_id and call_sid = p_call_sid and step in ('booked', 'check_avail');
  end if;
  return jsonb_build_object('success', true, 'appointment_id', gone.id, 'starts_at', gone.starts_at,
    'slot_id', gone.slot_id, 'repeated', gone.status = 'cancelled');
end
$$;

-- Ends an appointment and opens its slot, with a line in the history of the call that booked it.
create function leave_appointment(gone appointments, p_status text, p_call_sid text) returns void
  language plpgsql as $$
begin
  update appointments set status = p_status, updated_at = ledger_now() where id = gone.id;
  update available_slots set status = 'available', version = gen_random_uuid()
  where tenant_id = gone.tenant_id and slot_id = gone.slot_id;
  insert into call_history (tenant_id, call_sid, slot_id, cause)
  values (gone.tenant_id, coalesce(p_call_sid, gone.call_sid), gone.slot_id, 'appointment ' || p_status);
end
$$;

-- Moves an appointment to another slot: the new one is taken and the old one opened in one transaction, so that
-- on any failure the old one stays. Asked again it tells the same success.
-- Gives {success, appointment_id, slot_id, starts_at, repeated}, or {success: false, reason}: unknown_appointment,
-- unknown_slot, in_the_past, taken, changed with the present version.
create function move_appointment(p_tenant_id uuid, p_appointment_id uuid, p_slot_id text, p_version uuid,
  p_call_sid text) returns jsonb
  language plpgsql as $$
declare
  old appointments;
  made appointments;
  target available_slots;
  leaving uuid;
  moment timestamptz;
begin
  perform lock_call(p_tenant_id, p_call_sid);
  select * into old from appointments where tenant_id = p_tenant_id and id = p_appointment_id;
  if not found then
    return jsonb_build_object('success', false, 'reason', 'unknown_appointment');
  end if;
  select * into target from available_slots where tenant_id = p_tenant_id and slot_id = p_slot_id;
  if not found then
    return jsonb_build_object('success', false, 'reason', 'unknown_slot');
  end if;
  perform lock_practitioners(array[old.practitioner_id, target.practitioner_id] || array(
    select practitioner_id from available_slots
    where tenant_id = p_tenant_id and reserved_by = p_call_sid and status = 'reserved'));
  moment := ledger_now();
  select * into old from appointments where id = old.id;
  select * into target from available_slots where id = target.id;
  select * into made from appointments
    where tenant_id = p_tenant_id and moved_from = old.id and slot_id = p_slot_id and status = 'booked';
  if found then
    return jsonb_build_object('success', true, 'appointment_id', made.id, 'slot_id', made.slot_id,
      'starts_at', made.starts_at, 'repeated', true);
  end if;
  if old.status <> 'booked' then
    return jsonb_build_object('success', false, 'reason', 'unknown_appointment');
  end if;
  if target.starts_at <= moment then
    return jsonb_build_object('success', false, 'reason', 'in_the_past');
  end if;
  select id into leaving from available_slots where tenant_id = p_tenant_id and slot_id = old.slot_id;
  if target.status in ('booked', 'blocked') or slot_in_use(target, p_call_sid, moment, leaving) then
    return jsonb_build_object('success', false, 'reason', 'taken');
  end if;
  if target.version is distinct from p_version and target.reserved_by is distinct from p_call_sid then
    return jsonb_build_object('success', false, 'reason', 'changed', 'version', target.version);
  end if;

  perform leave_appointment(old, 'moved', p_call_sid);
  target := take_slot(target, p_call_sid, moment);
  insert into appointments (tenant_id, practitioner_id, slot_id, starts_at, occupies, call_sid, hold_version, patient,
    moved_from)
  values (p_tenant_id, target.practitioner_id, target.slot_id, target.starts_at, target.occupies, p_call_sid,
    target.version, old.patient, old.id)
  returning * into made;
  update available_slots set status = 'booked', version = gen_random_uuid(),
    reserved_by = null, reserved_at = null, expires_at = null
  where id = target.id;
  insert into call_states (tenant_id, call_sid, cause) values (p_tenant_id, p_call_sid, 'call started')
    on conflict (tenant_id, call_sid) do nothing;
  update call_states set step = 'check_avail', cause = 'appointment being moved'
  where tenant_id = p_tenant_id and call_sid = p_call_sid and step <> 'check_avail';
  update call_states set step = 'booked', slot_id = made.slot_id, hold_version = made.hold_version, expires_at = null,
    patient_data = patient_data || made.patient, cause = 'appointment moved'
  where tenant_id = p_tenant_id and call_sid = p_call_sid;
  return jsonb_build_object('success', true, 'appointment_id', made.id, 'slot_id', made.slot_id,
    'starts_at', made.starts_at, 'repeated', false);
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
