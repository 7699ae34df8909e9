-- Which slots there are, and which of them are open.

-- Slots of all practitioners that are open between two instants. A hold that ran out leaves its slot open.
create or replace function open_slots(p_tenant_id uuid, p_from timestamptz, p_to timestamptz)
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

-- Open slots as the cache keeps them: with what ends their being right by itself, which is a hold that runs out.
-- Returns {slots: [[slot_id, version, starts_at, practitioner_id]], holds: [[from, to, ends_in]]}: instants in
-- milliseconds, and how long each live hold still has, because the asker's clock is another.
create or replace function open_slots_with_holds(p_tenant_id uuid, p_from timestamptz, p_to timestamptz) returns jsonb
  language plpgsql as $$
declare
  moment timestamptz := ledger_now();
begin
  perform set_config('holdline.tenant_id', p_tenant_id::text, true);
  return jsonb_build_object(
    'slots', (
      select coalesce(jsonb_agg(jsonb_build_array(o.slot_id, o.version, milliseconds_since_1970(o.starts_at),
        o.practitioner_id) order by o.starts_at, o.slot_id), '[]')
      from open_slots(p_tenant_id, p_from, p_to) o),
    'holds', (
      select coalesce(jsonb_agg(jsonb_build_array(milliseconds_since_1970(s.starts_at),
        milliseconds_since_1970(upper(s.occupies)), milliseconds_of(s.expires_at - moment))), '[]')
      from available_slots s
      where s.tenant_id = p_tenant_id and s.status = 'reserved' and s.expires_at > moment
        and s.starts_at > p_from - interval '1 day' and s.starts_at < p_to));
end
$$;

-- Tells every process to forget what it remembers of an organization's open slots, when this commits. For changes that
-- are nobody's call: a claim would wait here for every other commit.
create or replace function announce_slots(p_tenant_id uuid) returns void
  language sql volatile
  begin atomic
    select pg_notify('holdline_slots', p_tenant_id::text);
  end;

-- Writes an organization's slots, in one round trip. p_parts has one entry for each practitioner:
-- {practitionerId, key, rules, filledTo, lengthMinutes, bufferMinutes, starts: [seconds since 1970], whole}.
-- With `whole`, starts are all there should be from now on, and free slots that are not among them go; without, they
-- are added to what is there. Nothing that is held or booked is ever changed.
-- Locks the practitioners of whole parts. Returns {added, removed, changed, kept: how many claims lie on withdrawn
-- slots}.
-- Without nested loops, because an edit of hours compares thousands of slots with thousands that should be. The planner
-- knows nothing yet of slots that were just written, expects one of them, and compares each with each: an edit of a
-- year took ten seconds, in which the practitioner's claims waited and gave up
-- (node bench/fill-slots.ts 60: 10,504 ms before, 244 ms after).
create or replace function write_slots(p_tenant_id uuid, p_parts jsonb) returns jsonb
  language plpgsql set enable_nestloop = off as $$
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

-- The slots that a part of write_slots describes.
create or replace function slots_of_part(part jsonb)
  returns table (starts_at timestamptz, during tstzrange, occupies tstzrange)
  language sql immutable as $$
  select s.at, tstzrange(s.at, s.at + length), tstzrange(s.at, s.at + length + buffer)
  from (select to_timestamp(value::text::bigint) as at from jsonb_array_elements(part -> 'starts')) as s,
    (select make_interval(mins => (part ->> 'lengthMinutes')::integer) as length,
      make_interval(mins => (part ->> 'bufferMinutes')::integer) as buffer) as shape
$$;

-- A claim on a withdrawn slot has ended, and the hours may have the slot in another form: its practitioner's slots are
-- compared with the hours again.
create or replace function compare_slots_again() returns trigger
  language plpgsql as $$
begin
  update slot_fills set rules = '' where practitioner_id = new.practitioner_id;
  perform enqueue_job('keep-slots', jsonb_build_object('tenantId', new.tenant_id), 'keep-slots ' || new.tenant_id);
  return null;
end
$$;

-- Hours that change are followed at once, by whichever process is there.
create or replace function follow_hours() returns trigger
  language plpgsql as $$
declare
  tenant uuid := case tg_table_name when 'organizations' then (to_jsonb(new) ->> 'id')::uuid
    else (to_jsonb(new) ->> 'tenant_id')::uuid end;
begin
  perform enqueue_job('keep-slots', jsonb_build_object('tenantId', tenant), 'keep-slots ' || tenant);
  return null;
end
$$;

-- Upcoming claims on slots that the hours no longer have: what the clinic has to look after itself.
create or replace function claims_on_withdrawn_slots(p_tenant_id uuid)
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

-- Removes an organization's slots that began more than p_kept_days ago and were never an appointment's, the oldest
-- first and at most p_limit of them, so that no statement is a long one. A hold that ended there ends as any other
-- does, with a line in its call's history. Booked and blocked slots stay, and so does one whose appointment was
-- cancelled or moved: the appointment's row refers to it. Tries for locks and never waits for one.
-- Returns {removed, more: whether to ask again}.
create or replace function forget_past_slots(p_tenant_id uuid, p_kept_days integer, p_limit integer) returns jsonb
  language plpgsql as $$
declare
  -- Each takes a lock until the end, and Postgres has room for some thousands.
  holds_max constant integer := least(p_limit, 500);
  moment timestamptz := ledger_now();
  horizon timestamptz := moment - make_interval(days => p_kept_days);
  stale record;
  seen integer := 0;
  freed integer := 0;
  removed integer;
begin
  perform set_config('holdline.tenant_id', p_tenant_id::text, true);
  for stale in
    select id, reserved_by, version from available_slots
    where tenant_id = p_tenant_id and status = 'reserved' and starts_at < horizon and expires_at <= moment
    order by starts_at limit holds_max
  loop
    seen := seen + 1;
    -- A past slot is in no claim's way: the hold's own call is the only one that may still give it up, and does so
    -- under this lock. A call that is doing something is left alone until tomorrow; nobody waits here for anybody.
    if pg_try_advisory_xact_lock(hashtextextended(p_tenant_id::text || '/' || stale.reserved_by, 1))
      and exists (select from available_slots where id = stale.id and version = stale.version)
    then
      perform free_slot(stale.id, 'hold expired');
      freed := freed + 1;
    end if;
  end loop;

  delete from available_slots s
  using (
    select f.id from available_slots f
    where f.tenant_id = p_tenant_id and f.status = 'available' and f.starts_at < horizon
      and not exists (select from appointments a where a.tenant_id = f.tenant_id and a.slot_id = f.slot_id)
    order by f.starts_at limit p_limit) as past
  where s.id = past.id and s.tenant_id = p_tenant_id;
  get diagnostics removed = row_count;
  return jsonb_build_object('removed', removed,
    'more', removed = p_limit or (seen = holds_max and freed > 0));
end
$$;

-- How far slots are written, and from which hours: of all organizations, or of one.
create or replace function slot_fills_of(p_tenant_id uuid)
  returns table (practitioner_id uuid, rules text, filled_to date)
  language sql stable security definer set search_path = public, pg_temp as $$
  select f.practitioner_id, f.rules, f.filled_to from slot_fills f
  where p_tenant_id is null or f.tenant_id = p_tenant_id
$$;
select run_as('slot_fills_of(uuid)', 'holdline_directory');
