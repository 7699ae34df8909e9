-- The ledger: what is open, held and booked.

create table available_slots (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references organizations,
  practitioner_id uuid not null,
  -- UTC instant and practitioner key, e.g. 2026-11-24T19:00:00Z/lee
  slot_id text not null,
  starts_at timestamptz not null,
  during tstzrange not null,
  -- during plus the buffer kept free after it
  occupies tstzrange not null,
  status text not null default 'available' check (status in ('available', 'reserved', 'booked', 'blocked')),
  -- minted anew by every claim and release: an offer remembers it, a hold's is the confirmation's fence
  version uuid not null default gen_random_uuid(),
  reserved_by text,
  reserved_at timestamptz,
  expires_at timestamptz,
  created_at timestamptz not null default ledger_now(),
  -- A withdrawn slot is one that the hours as they are now do not have, or have with another length or buffer. It
  -- stays for what was claimed on it, and is not open to anybody else.
  withdrawn boolean not null default false,
  unique (tenant_id, slot_id),
  foreign key (tenant_id, practitioner_id) references practitioners (tenant_id, id),
  check (lower(during) = starts_at and lower_inc(during) and not upper_inc(during)),
  check (occupies @> during and lower(occupies) = starts_at),
  -- Bounds how far back a query must look for something that reaches into its window.
  check (upper(occupies) - lower(occupies) <= interval '1 day'),
  check ((status = 'reserved') = (reserved_by is not null and reserved_at is not null and expires_at is not null)),
  -- Never double-booked: two live claims of one practitioner cannot overlap, buffers included,
  -- whatever the code above this line does.
  constraint claims_do_not_overlap exclude using gist (practitioner_id with =, occupies with &&)
    where (status in ('reserved', 'booked'))
);

-- A day's open slots. starts_at stands beside the ranges because range operators are not leakproof, so
-- row-level security keeps them away from a GiST index; a plain comparison may use this one.
create index available_slots_day on available_slots (tenant_id, status, starts_at);
-- What a claim may collide with.
create index available_slots_claims on available_slots (practitioner_id, starts_at)
  where status in ('reserved', 'booked');
-- Stale holds.
create index available_slots_expiry on available_slots (tenant_id, expires_at) where status = 'reserved';
-- A call has at most one hold.
create unique index available_slots_one_hold on available_slots (tenant_id, reserved_by)
  where status = 'reserved';

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

-- Stretches a practitioner is not free for reasons of their own. A slot under one is not open,
-- whichever was there first.
create table busy_times (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references organizations,
  practitioner_id uuid not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  source text not null,
  created_at timestamptz not null default ledger_now(),
  -- the calendar's event it comes from, and that one's series
  event_id text,
  series_id text,
  foreign key (tenant_id, practitioner_id) references practitioners (tenant_id, id),
  check (starts_at < ends_at)
);
-- Every question about busy times names the practitioner. No index begins with the organization: row-level security
-- adds it to every question, and such an index would be read for the whole organization besides the right one
-- (node bench/plans.ts 10000000).
create index busy_times_practitioner on busy_times (practitioner_id, ends_at, starts_at);
-- An event is found by its own name first.
create unique index busy_times_event on busy_times (event_id, practitioner_id);
create index busy_times_series on busy_times (practitioner_id, series_id) where series_id is not null;

create table appointments (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references organizations,
  practitioner_id uuid not null,
  slot_id text not null,
  starts_at timestamptz not null,
  occupies tstzrange not null,
  call_sid text not null,
  -- the hold it was made from: the same confirmation asked again finds it by this
  hold_version uuid not null,
  patient jsonb not null default '{}',
  status text not null default 'booked' check (status in ('booked', 'cancelled', 'moved')),
  -- the appointment this one took the place of
  moved_from uuid references appointments,
  created_at timestamptz not null default ledger_now(),
  updated_at timestamptz not null default ledger_now(),
  -- The operator that takes a value out of JSON is not leakproof, so under row-level security no index over it is
  -- searched for the number: a caller's own appointments were found by reading all of the clinic's.
  phone text generated always as (patient ->> 'phone') stored,
  foreign key (tenant_id, practitioner_id) references practitioners (tenant_id, id),
  foreign key (tenant_id, slot_id) references available_slots (tenant_id, slot_id),
  constraint appointments_do_not_overlap exclude using gist (practitioner_id with =, occupies with &&)
    where (status = 'booked')
);
create unique index appointments_slot on appointments (tenant_id, slot_id) where status = 'booked';
-- Whether a slot was ever an appointment, also one that was cancelled; a slot that is deleted asks too.
create index appointments_slots on appointments (tenant_id, slot_id);
create index appointments_call on appointments (tenant_id, call_sid);
create index appointments_phone on appointments (tenant_id, phone, starts_at);
create index appointments_past on appointments (tenant_id, starts_at) where patient <> '{}';
-- What is booked of a practitioner, from a moment on.
create index appointments_practitioner on appointments (practitioner_id, starts_at) where status = 'booked';

do $$
declare
  name text;
begin
  foreach name in array array['available_slots', 'slot_fills', 'busy_times', 'appointments'] loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy own_rows on %I to holdline_app
      using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())', name);
  end loop;
end
$$;
create policy directory on slot_fills for select to holdline_directory using (true);

grant select, insert, update, delete on available_slots, slot_fills, busy_times to holdline_app;
grant select, insert, update on appointments to holdline_app;
grant select on slot_fills to holdline_directory;
