-- Where each call stands, and how it came to stand there.

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
  created_at timestamptz not null default ledger_now(),
  updated_at timestamptz not null default ledger_now(),
  -- When the newest request that began a turn was sent, by the platform's own clock. One that was sent earlier
  -- but arrives later is nobody's turn any more.
  requested_at timestamptz,
  -- When that turn began, by the ledger's clock.
  turn_began_at timestamptz,
  -- The hold whose caller was warned of its end, and the one that was extended: each once.
  warned_version uuid,
  extended_version uuid,
  unique (tenant_id, call_sid)
);
create index call_states_expiry on call_states (tenant_id, expires_at);
create index call_states_caller on call_states (tenant_id, caller) where caller is not null;
-- A page of calls, the latest first.
create index call_states_latest on call_states (tenant_id, created_at, id);

-- Where a call may go from where it stands: the one place that says so.
--   greeting → check_avail → reserve → confirm_sms → booked
-- and the steps back that real calls make. Any step may fail, and a failed call may go on.
create table step_transitions (
  from_step text not null,
  to_step text not null,
  primary key (from_step, to_step)
);
insert into step_transitions (from_step, to_step) values
  ('greeting', 'check_avail'),
  ('greeting', 'reserve'),        -- a caller who names a slot another door offered
  ('greeting', 'confirm_sms'),    -- a call-back finds the hold of the call before
  ('check_avail', 'reserve'),
  ('check_avail', 'booked'),      -- an appointment moved to an offered slot
  ('check_avail', 'greeting'),    -- an appointment cancelled
  ('reserve', 'confirm_sms'),
  ('reserve', 'check_avail'),     -- another day
  ('confirm_sms', 'reserve'),     -- another slot
  ('confirm_sms', 'check_avail'),
  ('confirm_sms', 'booked'),
  ('booked', 'check_avail'),      -- a second booking, or another time for this one
  ('booked', 'reserve'),
  ('booked', 'greeting'),         -- cancelled
  ('failed', 'greeting'),
  ('failed', 'check_avail'),
  ('failed', 'reserve'),
  ('failed', 'confirm_sms');
insert into step_transitions (from_step, to_step)
  select step, 'failed' from unnest(array['greeting', 'check_avail', 'reserve', 'confirm_sms', 'booked']) as step;

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
-- The turns of a stretch of time.
create index call_turns_latest on call_turns (tenant_id, at);

do $$
declare
  name text;
begin
  foreach name in array array['call_states', 'call_history', 'call_offers', 'call_turns'] loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy own_rows on %I to holdline_app
      using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())', name);
  end loop;
end
$$;

grant select, insert, update on call_states, call_turns to holdline_app;
grant select, insert on call_offers, call_history to holdline_app;
grant select on step_transitions to holdline_app;
