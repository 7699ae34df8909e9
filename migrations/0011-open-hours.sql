-- Slots that follow the open hours: what a practitioner may have different, how far the slots are written, and what
-- becomes of them when the hours change. Free slots that the hours no longer have go; claimed ones stay.

-- What a clinic does not say about its hours is as usual; the application knows the usual ones.
alter table organizations alter column schedule set default '{}';

-- Null is as it is for the clinic.
alter table practitioners
  add column special_days jsonb not null default '[]' check (jsonb_typeof(special_days) = 'array'),
  add column slot_minutes integer check (slot_minutes > 0),
  add column grid_minutes integer check (grid_minutes > 0),
  add column buffer_minutes integer check (buffer_minutes >= 0),
  add column minimum_notice_minutes integer check (minimum_notice_minutes >= 0),
  add column horizon_days integer check (horizon_days > 0);

-- A withdrawn slot is one that the hours as they are now do not have, or have with another length or buffer. It
-- stays for what was claimed on it, and is not open to anybody else.
alter table available_slots add column withdrawn boolean not null default false;

-- Whether a slot was ever an appointment, also one that was cancelled; a slot that is deleted asks too.
create index appointments_slots on appointments (tenant_id, slot_id);

-- How far each practitioner's slots are written, and from which hours (a digest): a pass over all organizations
-- finds in one read what there is to do.
create table slot_fills (
  practitioner_id uuid primary key,
  tenant_id uuid not null references organizations,
  -- '' when the slots do not follow the hours altogether, so that they are compared again
  rules text not null,
  filled_to date not null,
  foreign key (tenant_id, practitioner_id) references practitioners (tenant_id, id)
);
create index slot_fills_tenant on slot_fills (tenant_id);
alter table slot_fills enable row level security;
alter table slot_fills force row level security;
create policy own_rows on slot_fills to holdline_app
  using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());
create policy directory on slot_fills for select to holdline_directory using (true);
grant select, insert, update, delete on slot_fills to holdline_app;
grant select on slot_fills to holdline_directory;

-- Of all organizations, or of one.
create function slot_fills_of(p_tenant_id uuid)
  returns table (practitioner_id uuid, rules text, filled_to date)
  language sql stable security definer set search_path = public, pg_temp as $$
  select f.practitioner_id, f.rules, f.filled_to from slot_fills f
  where p_tenant_id is null or f.tenant_id = p_tenant_id
$$;

grant holdline_directory to current_user;
grant create on schema public to holdline_directory;
alter function slot_fills_of(uuid) owner to holdline_directory;
revoke create on schema public from holdline_directory;
revoke all on function slot_fills_of(uuid) from public;
grant execute on function slot_fills_of(uuid) to holdline_app;

-- Whether anything live stands in a slot's way: the hours, a claim by somebody else, or the practitioner's own plans.
-- Window bounds on starts_at repeat what && says in a form an index may serve under row-level security.
-- p_call_sid's own hold is not in the way, nor is the slot p_leaving, which is being given up.
create or replace function slot_in_use(slot available_slots, p_call_sid text, p_now timestamptz,
  p_leaving uuid default null) returns boolean
  language sql stable
  -- A row that is gone by the time it is looked at again is nobody's.
  return slot.withdrawn is not false or exists (
    select from available_slots c
    where c.practitioner_id = slot.practitioner_id
      and c.id is distinct from p_leaving
      and c.status in ('reserved', 'booked')
      and c.starts_at > slot.starts_at - interval '1 day' and c.starts_at < upper(slot.occupies)
      and c.occupies && slot.occupies
      and (c.status = 'booked' or (c.expires_at > p_now and c.reserved_by is distinct from p_call_sid)))
  or exists (
    select from busy_times b
    where b.practitioner_id = slot.practitioner_id
      and b.ends_at > slot.starts_at and b.starts_at < upper(slot.during));

-- As before, and a lapsed hold's slot may be gone by the time the practitioner's lock is there.
create or replace function confirm_booking(p_tenant_id uuid, p_call_sid text, p_version uuid, p_patient jsonb, p_text jsonb,
  p_turn bigint default null) returns jsonb
  language plpgsql as $$
declare
  call call_states;
  held available_slots;
  made appointments;
  moment timestamptz;
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
    perform promise_text(made, p_text);
    return jsonb_build_object('success', true, 'appointment_id', made.id, 'slot_id', made.slot_id,
      'starts_at', made.starts_at, 'repeated', true);
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
  perform promise_text(made, p_text);
  return jsonb_build_object('success', true, 'appointment_id', made.id, 'slot_id', made.slot_id,
    'starts_at', made.starts_at, 'repeated', false);
end
$$;

-- Writes an organization's slots, in one round trip. p_parts holds one entry per practitioner:
-- {practitionerId, key, rules, filledTo, lengthMinutes, bufferMinutes, starts: [seconds since 1970], whole}.
-- With `whole`, starts are all there should be from now on, and what is free and not among them goes; without, they
-- are added to what is there. Slots that exist and claims are never changed by adding; nothing that is held or booked
-- is ever changed. Gives {added, removed, changed, kept: how many claims lie on withdrawn slots}.
create function write_slots(p_tenant_id uuid, p_parts jsonb) returns jsonb
  language plpgsql as $$
declare
  part jsonb;
  moment timestamptz;
  practitioner uuid;
  stale uuid;
  n integer;
  holds integer;
  added integer := 0;
  removed integer := 0;
  changed integer := 0;
  kept integer := 0;
begin
  perform set_config('holdline.tenant_id', p_tenant_id::text, true);
  perform lock_practitioners(array(
    select (one ->> 'practitionerId')::uuid from jsonb_array_elements(p_parts) as one
    where (one ->> 'whole')::boolean));
  moment := ledger_now();
  for part in select value from jsonb_array_elements(p_parts) loop
    practitioner := (part ->> 'practitionerId')::uuid;
    holds := 0;
    if (part ->> 'whole')::boolean then
      for stale in
        select id from available_slots
        where tenant_id = p_tenant_id and practitioner_id = practitioner and status = 'reserved'
          and expires_at <= moment and starts_at > moment
      loop
        perform free_slot(stale, 'hold expired');
      end loop;

      -- What was once an appointment stays, because the appointment's row refers to it.
      with wanted as (select * from slots_of_part(part))
      delete from available_slots s
      where s.tenant_id = p_tenant_id and s.practitioner_id = practitioner and s.starts_at > moment
        and s.status = 'available'
        and not exists (select from wanted w where w.starts_at = s.starts_at)
        and not exists (select from appointments a where a.tenant_id = s.tenant_id and a.slot_id = s.slot_id);
      get diagnostics n = row_count;
      removed := removed + n;

      with wanted as (select * from slots_of_part(part)),
      judged as (
        select s.id, s.status in ('reserved', 'booked') as claimed, w.starts_at is null as gone,
          w.during <> s.during or w.occupies <> s.occupies as other_shape, w.during, w.occupies
        from available_slots s left join wanted w on w.starts_at = s.starts_at
        where s.tenant_id = p_tenant_id and s.practitioner_id = practitioner and s.starts_at > moment)
      update available_slots s set withdrawn = j.gone or (j.claimed and j.other_shape),
        during = case when j.claimed or j.gone then s.during else j.during end,
        occupies = case when j.claimed or j.gone then s.occupies else j.occupies end,
        -- An offer of the slot as it was is not one of the slot as it is.
        version = case when j.claimed or j.gone or not j.other_shape then s.version else gen_random_uuid() end
      from judged j
      where j.id = s.id and s.tenant_id = p_tenant_id
        and (s.withdrawn <> (j.gone or (j.claimed and j.other_shape)) or (j.other_shape and not j.claimed));
      get diagnostics n = row_count;
      changed := changed + n;

      select count(*), count(*) filter (where s.status = 'reserved') into n, holds
      from available_slots s
      where s.tenant_id = p_tenant_id and s.practitioner_id = practitioner and s.starts_at > moment and s.withdrawn
        and s.status in ('reserved', 'booked');
      kept := kept + n;
    end if;

    insert into available_slots (tenant_id, practitioner_id, slot_id, starts_at, during, occupies)
    select p_tenant_id, practitioner, to_char(starts_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z/"')
      || (part ->> 'key'), starts_at, during, occupies
    from slots_of_part(part)
    on conflict (tenant_id, slot_id) do nothing;
    get diagnostics n = row_count;
    added := added + n;

    insert into slot_fills (practitioner_id, tenant_id, rules, filled_to)
    -- A hold on a withdrawn slot ends soon, and then the slot may have to become another one.
    values (practitioner, p_tenant_id, case when holds > 0 then '' else part ->> 'rules' end,
      (part ->> 'filledTo')::date)
    on conflict (practitioner_id) do update
      set rules = excluded.rules, filled_to = greatest(slot_fills.filled_to, excluded.filled_to);
  end loop;
  return jsonb_build_object('added', added, 'removed', removed, 'changed', changed, 'kept', kept);
end
$$;

create function slots_of_part(part jsonb)
  returns table (starts_at timestamptz, during tstzrange, occupies tstzrange)
  language sql immutable as $$
  select s.at, tstzrange(s.at, s.at + length), tstzrange(s.at, s.at + length + buffer)
  from (select to_timestamp(value::text::bigint) as at from jsonb_array_elements(part -> 'starts')) as s,
    (select make_interval(mins => (part ->> 'lengthMinutes')::integer) as length,
      make_interval(mins => (part ->> 'bufferMinutes')::integer) as buffer) as shape
$$;

-- A claim on a withdrawn slot that ends leaves a slot the hours may have in another form: the slots of its
-- practitioner are compared with the hours again.
create function compare_slots_again() returns trigger
  language plpgsql as $$
begin
  update slot_fills set rules = '' where practitioner_id = new.practitioner_id;
  perform enqueue_job('keep-slots', jsonb_build_object('tenantId', new.tenant_id), 'keep-slots ' || new.tenant_id);
  return null;
end
$$;
create trigger compare_again after update of status on available_slots for each row
  when (new.withdrawn and new.status = 'available' and old.status in ('reserved', 'booked'))
  execute function compare_slots_again();

-- Hours that change are followed at once, by whichever process is there.
create function follow_hours() returns trigger
  language plpgsql as $$
declare
  tenant uuid := case tg_table_name when 'organizations' then (to_jsonb(new) ->> 'id')::uuid
    else (to_jsonb(new) ->> 'tenant_id')::uuid end;
begin
  perform enqueue_job('keep-slots', jsonb_build_object('tenantId', tenant), 'keep-slots ' || tenant);
  return null;
end
$$;
create trigger follow_hours after update of zone, schedule on organizations for each row
  when (new.zone <> old.zone or new.schedule <> old.schedule) execute function follow_hours();
create trigger follow_hours
  after insert or update of weekly, special_days, slot_minutes, grid_minutes, buffer_minutes, horizon_days
  on practitioners for each row execute function follow_hours();

-- Claims on slots that the hours no longer have, upcoming ones: what the clinic has to look after itself.
create function claims_on_withdrawn_slots(p_tenant_id uuid)
  returns table (slot_id text, practitioner_id uuid, starts_at timestamptz, ends_at timestamptz, status text)
  language plpgsql as $$
declare
  moment timestamptz := ledger_now();
begin
  perform set_config('holdline.tenant_id', p_tenant_id::text, true);
  return query
    select s.slot_id, s.practitioner_id, s.starts_at, upper(s.during), s.status
    from available_slots s
    where s.tenant_id = p_tenant_id and s.status in ('reserved', 'booked') and s.starts_at > moment and s.withdrawn
      and (s.status = 'booked' or s.expires_at > moment)
    order by s.starts_at, s.slot_id;
end
$$;
