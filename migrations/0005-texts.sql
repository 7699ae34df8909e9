-- Text messages, and what people answer to them.

-- A message promised with a booking. Its identity is (appointment, number, wording): a corrected number
-- gets a message, a repeated yes does not.
create table text_messages (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references organizations,
  appointment_id uuid not null references appointments,
  number text not null,
  wording text not null,
  language text not null,
  -- recorded: promised; sending: an attempt began, and whether it got through may not be known; sent: the provider has
  -- it; delivered; failed: given up, with the reason; replaced: by one to a corrected number; withdrawn: what it was
  -- about is no longer so.
  status text not null default 'recorded'
    check (status in ('recorded', 'sending', 'sent', 'delivered', 'failed', 'replaced', 'withdrawn')),
  send_after timestamptz not null,
  created_at timestamptz not null default ledger_now(),
  reason text,
  error_code integer,
  attempts integer not null default 0,
  -- while this lasts, one process is trying; nobody else does
  attempt_until timestamptz,
  first_attempt_at timestamptz,
  -- an attempt may have been accepted without our hearing of it: look before sending again
  unclear boolean not null default false,
  -- the words as they were sent, by which an accepted attempt is recognised
  body text,
  provider_sid text,
  -- earlier messages for this text that the provider could not deliver
  past_sids text[] not null default '{}',
  updated_at timestamptz not null default ledger_now(),
  -- the provider's own word for how far the message has come, the last one it told
  provider_status text,
  unique (appointment_id, number, wording)
);
create index text_messages_tenant on text_messages (tenant_id, created_at);
create unique index text_messages_sid on text_messages (provider_sid) where provider_sid is not null;
create index text_messages_number on text_messages (tenant_id, number, created_at);
create index text_messages_replies on text_messages (number, updated_at) where provider_sid is not null;

-- Numbers that answered STOP. It holds for every organization: they share the number texts come from, and the
-- provider refuses that pair of numbers. No organization's rows, reached by set_text_opt_out and number_opted_out only.
create table text_opt_outs (
  number text primary key,
  since timestamptz not null default ledger_now()
);

-- Texts that came in, so that one the provider delivers twice acts once.
create table text_replies (
  provider_sid text primary key,
  at timestamptz not null default ledger_now()
);

-- People who answered a text with "call me".
create table call_back_requests (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references organizations,
  number text not null,
  appointment_id uuid references appointments,
  asked_at timestamptz not null default ledger_now(),
  done_at timestamptz
);
create unique index call_back_requests_open on call_back_requests (tenant_id, number) where done_at is null;

do $$
declare
  name text;
begin
  foreach name in array array['text_messages', 'call_back_requests'] loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy own_rows on %I to holdline_app
      using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())', name);
  end loop;
end
$$;
create policy directory on text_messages for select to holdline_directory using (true);

grant select, insert, update, delete on text_messages, call_back_requests to holdline_app;
grant select, insert, delete on text_replies to holdline_app;
grant select on text_messages to holdline_directory;
grant select, insert, delete on text_opt_outs to holdline_directory;
