-- The ledger: what is open, held and booked, where each call stands, and how it came to stand there.

-- The ledger's clock and the length of a hold stand here and nowhere else. Tests replace ledger_now().
-- clock_timestamp, not now(): a claim that waited for a lock must judge expiry by the time it got it.
create function ledger_now() returns timestamptz
  language sql volatile return clock_timestamp();

create function hold_lifetime() returns interval
  language sql immutable return interval '5 minutes';

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
  created_at timestamptz not null default now(),
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

-- Stretches a practitioner is not free for reasons of their own. A slot under one is not open,
-- whichever was there first.
create table busy_times (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references organizations,
  practitioner_id uuid not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  source text not null,
  created_at timestamptz not null default now(),
  foreign key (tenant_id, practitioner_id) references practitioners (tenant_id, id),
  check (starts_at < ends_at)
);
create index busy_times_practitioner on busy_times (practitioner_id, ends_at);
create index busy_times_tenant on busy_times (tenant_id, ends_at);

create table call_states (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references organizations,
  call_sid text not null check (length(call_sid) between 1 and 200),
  step text not null default 'greeting'
    check (step in ('greeting', 'check_avail', 'reserve', 'confirm_sms', 'booked', 'failed')),
  -- the slot the call holds, held last, or booked
  slot_id text,
  -- the version of that hold: the fence a confirmation must present
  hold_version uuid,
  -- user messages in the history when the hold was made; a confirmation needs more than that
  hold_user_turns integer,
  expires_at timestamptz,
  patient_data jsonb not null default '{}',
  -- E.164 number the call came from, when it was not withheld
  caller text,
  -- rises with each request of the call; whoever holds an older number starts no tool
  turn bigint not null default 0,
  user_turns integer,
  -- what caused the latest change; the history copies it
  cause text not null,
  error_message text,
  -- the call whose hold this one took over, until the caller has said whose it is
  adopted_from text,
  -- appointments this call may change: appointment_1 is the first
  found_appointments uuid[] not null default '{}',
  found_user_turns integer,
  ended_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (tenant_id, call_sid)
);
create index call_states_expiry on call_states (tenant_id, expires_at);
create index call_states_caller on call_states (tenant_id, caller) where caller is not null;

-- Append-only, and without anything about the patient. A row whose to_step is null tells that something
-- happened to a slot of this call (an expired hold released by another claim) while its step stayed.
create table call_history (
  id bigint generated always as identity primary key,
  tenant_id uuid not null references organizations,
  call_sid text not null,
  from_step text,
  to_step text,
  slot_id text,
  cause text not null,
  at timestamptz not null default ledger_now()
);
create index call_history_call on call_history (tenant_id, call_sid, id);

create table call_offers (
  tenant_id uuid not null references organizations,
  call_sid text not null,
  -- slot_1, slot_2, …: never used twice in a call
  number integer not null check (number > 0),
  slot_id text not null,
  version uuid not null,
  user_turns integer,
  offered_at timestamptz not null default ledger_now(),
  primary key (tenant_id, call_sid, number)
);

create table call_turns (
  tenant_id uuid not null references organizations,
  call_sid text not null,
  number bigint not null,
  first_word_ms real,
  tool_ms real,
  tools text[] not null default '{}',
  at timestamptz not null default ledger_now(),
  primary key (tenant_id, call_sid, number)
);

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
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  foreign key (tenant_id, practitioner_id) references practitioners (tenant_id, id),
  foreign key (tenant_id, slot_id) references available_slots (tenant_id, slot_id),
  constraint appointments_do_not_overlap exclude using gist (practitioner_id with =, occupies with &&)
    where (status = 'booked')
);
create unique index appointments_slot on appointments (tenant_id, slot_id) where status = 'booked';
create index appointments_call on appointments (tenant_id, call_sid);
create index appointments_phone on appointments (tenant_id, (patient ->> 'phone'), starts_at);
create index appointments_past on appointments (tenant_id, starts_at) where patient <> '{}';

-- A message promised with a booking. Its identity is (appointment, number, wording): a corrected number
-- gets a message, a repeated yes does not.
create table text_messages (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references organizations,
  appointment_id uuid not null references appointments,
  number text not null,
  wording text not null,
  language text not null,
  status text not null default 'recorded' check (status in ('recorded', 'replaced')),
  send_after timestamptz not null,
  created_at timestamptz not null default now(),
  unique (appointment_id, number, wording)
);
create index text_messages_tenant on text_messages (tenant_id, created_at);

do $$
declare
  name text;
begin
  foreach name in array array['available_slots', 'busy_times', 'call_states', 'call_history', 'call_offers',
                              'call_turns', 'appointments', 'text_messages'] loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy own_rows on %I to holdline_app
      using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())', name);
  end loop;
end
$$;

grant select, insert, update, delete on available_slots, busy_times to holdline_app;
grant select, insert, update on call_states, appointments, call_turns to holdline_app;
grant select, insert, update, delete on text_messages to holdline_app;
grant select, insert on call_offers to holdline_app;
grant select, insert on call_history to holdline_app;

create function refuse_change() returns trigger
  language plpgsql as $$
begin
  raise exception 'call_history is append-only: % refused', tg_op using errcode = 'restrict_violation';
end
$$;
create trigger append_only before update or delete on call_history
  for each row execute function refuse_change();
create trigger append_only_whole before truncate on call_history
  for each statement execute function refuse_change();
