-- What is kept about a person, and for how long. The history never holds anything about a person.

-- Removes a person from everything but the history. Upcoming appointments are the caller's to cancel first: a booked
-- time without a patient helps nobody. Returns how many rows were changed.
create or replace function forget_person(p_tenant_id uuid, p_phone text) returns integer
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
  delete from call_back_requests where tenant_id = p_tenant_id and number = p_phone;
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

-- Removes patients' details older than the organization keeps them. Returns how many rows were changed.
create or replace function forget_expired(p_tenant_id uuid) returns integer
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
  delete from call_back_requests where tenant_id = p_tenant_id and asked_at < horizon;
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
