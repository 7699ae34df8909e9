-- What becomes of a hold: an appointment with its promised text. And what becomes of appointments. An appointment is
-- booked if and only if its slot is; both change in one transaction.

-- Turns a call's hold into an appointment: appointment, slot, step, history and promised text together or not at all.
-- p_version is the hold's: a confirmation that was delayed past another claim of the same call books nothing. A hold
-- that lapsed is claimed again in passing if nobody wanted its time meanwhile.
-- Asked again, it tells the same success and merges corrected details.
-- p_patient: {name, phone, email, reason}; absent keys stay as they were. p_text: {number, wording, language}.
-- Locks the call, then the practitioner.
-- Returns {success, appointment_id, slot_id, starts_at, practitioner_id, repeated, text}, where text tells what became
-- of it (see promise_text); or {success: false, reason: no_hold | superseded}. All but superseded come with what is so
-- in the call afterwards (with_call).
create or replace function confirm_booking(p_tenant_id uuid, p_call_sid text, p_version uuid, p_patient jsonb, p_text jsonb,
  p_turn bigint default null) returns jsonb
  language plpgsql as $$
declare
  call call_states;
  held available_slots;
  made appointments;
  moment timestamptz;
  promised text;
begin
  if superseded(p_tenant_id, p_call_sid, p_turn) then
    return jsonb_build_object('success', false, 'reason', 'superseded');
  end if;
  select * into call from call_states where tenant_id = p_tenant_id and call_sid = p_call_sid;
  -- The hold meant is the one whose version is presented: the call's latest, live or lapsed.
  if not found or call.hold_version is distinct from p_version then
    return with_call(jsonb_build_object('success', false, 'reason', 'no_hold'), p_tenant_id, p_call_sid);
  end if;

  update appointments set patient = patient || jsonb_strip_nulls(p_patient), updated_at = ledger_now()
  where tenant_id = p_tenant_id and call_sid = p_call_sid and hold_version = p_version and status = 'booked'
  returning * into made;
  if found then
    update call_states set patient_data = patient_data || jsonb_strip_nulls(p_patient)
    where tenant_id = p_tenant_id and call_sid = p_call_sid;
    promised := promise_text(made, p_text);
    return with_call(jsonb_build_object('success', true, 'appointment_id', made.id, 'slot_id', made.slot_id,
      'starts_at', made.starts_at, 'practitioner_id', made.practitioner_id, 'repeated', true, 'text', promised),
      p_tenant_id, p_call_sid);
  end if;

  select * into held from available_slots where tenant_id = p_tenant_id and slot_id = call.slot_id;
  -- A booking made from this hold and given up since is not made again by an old yes.
  if not found or exists (
    select from appointments where tenant_id = p_tenant_id and call_sid = p_call_sid and hold_version = p_version
  ) then
    return with_call(jsonb_build_object('success', false, 'reason', 'no_hold'), p_tenant_id, p_call_sid);
  end if;
  perform lock_practitioners(array[held.practitioner_id]);
  moment := ledger_now();
  select * into held from available_slots where id = held.id;
  -- A lapsed hold's slot may be gone altogether, with hours that were changed.
  if held.id is null then
    return with_call(jsonb_build_object('success', false, 'reason', 'no_hold'), p_tenant_id, p_call_sid);
  end if;
  if not (held.status = 'reserved' and held.reserved_by = p_call_sid and held.expires_at > moment) then
    -- It lapsed. If nobody else wanted the time meanwhile, it is claimed again in passing.
    if held.status in ('booked', 'blocked') or held.starts_at <= moment or slot_in_use(held, p_call_sid, moment) then
      return with_call(jsonb_build_object('success', false, 'reason', 'no_hold'), p_tenant_id, p_call_sid);
    end if;
    held := take_slot(held, p_call_sid, moment);
    insert into call_history (tenant_id, call_sid, slot_id, cause)
    values (p_tenant_id, p_call_sid, held.slot_id, 'lapsed hold claimed again');
  end if;

  insert into appointments (tenant_id, practitioner_id, slot_id, starts_at, occupies, call_sid, hold_version, patient)
  values (p_tenant_id, held.practitioner_id, held.slot_id, held.starts_at, held.occupies, p_call_sid, p_version,
    call.patient_data || jsonb_strip_nulls(p_patient))
  returning * into made;
  update available_slots set status = 'booked', version = gen_random_uuid(),
    reserved_by = null, reserved_at = null, expires_at = null
  where id = held.id;
  -- A caller who says yes in the same breath, or another door, has not passed confirm_sms yet.
  update call_states set step = 'confirm_sms', cause = 'hold read back'
  where tenant_id = p_tenant_id and call_sid = p_call_sid and step in ('reserve', 'greeting', 'failed');
  update call_states set step = 'booked', cause = 'booking confirmed', expires_at = null, error_message = null,
    patient_data = made.patient
  where tenant_id = p_tenant_id and call_sid = p_call_sid;
  promised := promise_text(made, p_text);
  return with_call(jsonb_build_object('success', true, 'appointment_id', made.id, 'slot_id', made.slot_id,
    'starts_at', made.starts_at, 'practitioner_id', made.practitioner_id, 'repeated', false, 'text', promised),
    p_tenant_id, p_call_sid);
end
$$;

-- Cancels an appointment and opens its slot. p_call_sid is the call that asked, null for the clinic's own people.
-- Asked again it tells the same success. Locks the call (the clinic's people share one lock), then the practitioner.
-- Returns {success, appointment_id, starts_at, slot_id, repeated}, or
-- {success: false, reason: unknown_appointment | moved}; each with what is so in the call afterwards (with_call).
create or replace function cancel_appointment(p_tenant_id uuid, p_appointment_id uuid, p_call_sid text) returns jsonb
  language plpgsql as $$
declare
  gone appointments;
begin
  perform lock_call(p_tenant_id, coalesce(p_call_sid, 'clinic'));
  select * into gone from appointments where tenant_id = p_tenant_id and id = p_appointment_id;
  if not found then
    return with_call(jsonb_build_object('success', false, 'reason', 'unknown_appointment'), p_tenant_id, p_call_sid);
  end if;
  perform lock_practitioners(array[gone.practitioner_id]);
  select * into gone from appointments where id = gone.id;
  if gone.status = 'moved' then
    return with_call(jsonb_build_object('success', false, 'reason', 'moved'), p_tenant_id, p_call_sid);
  end if;
  if gone.status = 'booked' then
    perform leave_appointment(gone, 'cancelled', p_call_sid);
    update call_states set step = 'greeting', cause = 'appointment cancelled'
    where tenant_id = p_tenant_id and call_sid = p_call_sid and step in ('booked', 'check_avail');
  end if;
  return with_call(jsonb_build_object('success', true, 'appointment_id', gone.id, 'starts_at', gone.starts_at,
    'slot_id', gone.slot_id, 'repeated', gone.status = 'cancelled'), p_tenant_id, p_call_sid);
end
$$;

-- Moves an appointment to another slot: the new one is taken and the old one opened in one transaction, so that on
-- any failure the old one stays. Asked again it tells the same success.
-- Locks the call, then the practitioners of both slots and of the call's hold, which is given up.
-- Returns {success, appointment_id, slot_id, starts_at, repeated}, or {success: false, reason}: unknown_appointment,
-- unknown_slot, in_the_past, taken, changed (with the version the slot has now). Each comes with what is so in the call
-- afterwards (with_call).
create or replace function move_appointment(p_tenant_id uuid, p_appointment_id uuid, p_slot_id text, p_version uuid,
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
    return with_call(jsonb_build_object('success', false, 'reason', 'unknown_appointment'), p_tenant_id, p_call_sid);
  end if;
  select * into target from available_slots where tenant_id = p_tenant_id and slot_id = p_slot_id;
  if not found then
    return with_call(jsonb_build_object('success', false, 'reason', 'unknown_slot'), p_tenant_id, p_call_sid);
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
    return with_call(jsonb_build_object('success', true, 'appointment_id', made.id, 'slot_id', made.slot_id,
      'starts_at', made.starts_at, 'repeated', true), p_tenant_id, p_call_sid);
  end if;
  if old.status <> 'booked' then
    return with_call(jsonb_build_object('success', false, 'reason', 'unknown_appointment'), p_tenant_id, p_call_sid);
  end if;
  if target.starts_at <= moment then
    return with_call(jsonb_build_object('success', false, 'reason', 'in_the_past'), p_tenant_id, p_call_sid);
  end if;
  select id into leaving from available_slots where tenant_id = p_tenant_id and slot_id = old.slot_id;
  if target.status in ('booked', 'blocked') or slot_in_use(target, p_call_sid, moment, leaving) then
    return with_call(jsonb_build_object('success', false, 'reason', 'taken'), p_tenant_id, p_call_sid);
  end if;
  if target.version is distinct from p_version and target.reserved_by is distinct from p_call_sid then
    return with_call(jsonb_build_object('success', false, 'reason', 'changed', 'version', target.version),
      p_tenant_id, p_call_sid);
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
  return with_call(jsonb_build_object('success', true, 'appointment_id', made.id, 'slot_id', made.slot_id,
    'starts_at', made.starts_at, 'repeated', false), p_tenant_id, p_call_sid);
end
$$;

-- Ends an appointment and opens its slot, with a line in the history of the call that asked, else of the call that
-- booked it. Whoever calls it has the practitioner's lock.
create or replace function leave_appointment(gone appointments, p_status text, p_call_sid text) returns void
  language plpgsql as $$
begin
  update appointments set status = p_status, updated_at = ledger_now() where id = gone.id;
  update available_slots set status = 'available', version = gen_random_uuid()
  where tenant_id = gone.tenant_id and slot_id = gone.slot_id;
  insert into call_history (tenant_id, call_sid, slot_id, cause)
  values (gone.tenant_id, coalesce(p_call_sid, gone.call_sid), gone.slot_id, 'appointment ' || p_status);
end
$$;
