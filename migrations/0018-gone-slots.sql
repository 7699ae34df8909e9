-- As before (0012), and a hold that lapsed may find its slot gone by the time the practitioner's lock is there, because
-- the hours were changed meanwhile.
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
    return jsonb_build_object('success', false, 'reason', 'no_hold');
  end if;

  update appointments set patient = patient || jsonb_strip_nulls(p_patient), updated_at = ledger_now()
  where tenant_id = p_tenant_id and call_sid = p_call_sid and hold_version = p_version and status = 'booked'
  returning * into made;
  if found then
    update call_states set patient_data = patient_data || jsonb_strip_nulls(p_patient)
    where tenant_id = p_tenant_id and call_sid = p_call_sid;
    promised := promise_text(made, p_text);
    return jsonb_build_object('success', true, 'appointment_id', made.id, 'slot_id', made.slot_id,
      'starts_at', made.starts_at, 'repeated', true, 'text', promised);
  end if;

  select * into held from available_slots where tenant_id = p_tenant_id and slot_id = call.slot_id;
  -- A booking made from this hold and given up since is not made again by an old yes.
  if not found or exists (
    select from appointments where tenant_id = p_tenant_id and call_sid = p_call_sid and hold_version = p_version
  ) then
    return jsonb_build_object('success', false, 'reason', 'no_hold');
  end if;
  perform lock_practitioners(array[held.practitioner_id]);
  moment := ledger_now();
  select * into held from available_slots where id = held.id;
  -- A lapsed hold's slot may be gone altogether, with hours that were changed.
  if held.id is null then
    return jsonb_build_object('success', false, 'reason', 'no_hold');
  end if;
  if not (held.status = 'reserved' and held.reserved_by = p_call_sid and held.expires_at > moment) then
    -- It lapsed. If nobody else wanted the time meanwhile, it is claimed again in passing.
    if held.status in ('booked', 'blocked') or held.starts_at <= moment or slot_in_use(held, p_call_sid, moment) then
      return jsonb_build_object('success', false, 'reason', 'no_hold');
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
  return jsonb_build_object('success', true, 'appointment_id', made.id, 'slot_id', made.slot_id,
    'starts_at', made.starts_at, 'repeated', false, 'text', promised);
end
$$;
