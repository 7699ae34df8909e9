-- Who is called: organizations, their practitioners, the addresses they are reached at and their keys; what they say
-- instead of the shipped templates; what their own people did.
-- Every table of an organization carries tenant_id and shows its rows only to a connection that has said whose rows it
-- wants (current_tenant). A connection that forgot sees nothing.

create extension if not exists btree_gist;

-- holdline_app: what the application runs as. It owns nothing and cannot bypass row-level security.
-- holdline_directory: owns the few functions that look across organizations, and can do nothing else.
-- holdline_jobs: what the queue's runner works as, and the owner of the queue's functions. It may use the queue and
-- nothing else: no organization's rows.
do $$
declare
  wanted text;
begin
  foreach wanted in array array['holdline_app', 'holdline_directory', 'holdline_jobs'] loop
    begin
      if not exists (select from pg_roles where rolname = wanted) then
        execute format('create role %I nologin', wanted);
      end if;
    exception
      -- Roles belong to the whole cluster: another database's migration may have made it this instant.
      when duplicate_object or unique_violation then null;
    end;
  end loop;
end
$$;

grant usage on schema public to holdline_app, holdline_directory, holdline_jobs;
-- Whoever makes these roles the owners of functions must be one of them.
grant holdline_directory, holdline_jobs to current_user;

create table organizations (
  id uuid primary key default gen_random_uuid(),
  key text not null unique check (key ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  name text not null,
  zone text not null default 'America/New_York',
  country text not null default 'US' check (country ~ '^[A-Z]{2}$'),
  languages text[] not null default '{en}' check (cardinality(languages) > 0),
  receptionist_name text not null default 'Robin',
  human_number text,
  vapi_prompt text not null default 'append' check (vapi_prompt in ('append', 'ignore')),
  release_on_hang_up boolean not null default false,
  -- What a clinic does not say about its hours is as usual; the application knows the usual ones.
  schedule jsonb not null default '{}',
  -- Limits on holds, against callers who block a clinic's day. Null is no limit.
  -- Nobody needs more holds in one call: a caller who has gone through twenty is not going to choose.
  holds_per_call_max integer default 20,
  -- A number that claims more in a day is a machine, or a switchboard that deserves a human.
  holds_per_number_and_day_max integer default 30,
  -- Holds nobody has confirmed yet, at once: bounds what a flood from many numbers can block.
  live_holds_max integer default 100,
  -- Patients' details older than this are removed; null keeps them.
  retention_days integer default 365 check (retention_days > 0),
  created_at timestamptz not null default ledger_now(),
  -- Whose model answers: ours (the custom-LLM door), or the platform's own with our tools. The second wants the
  -- sentence of a result with it, because nobody else of ours speaks.
  model text not null default 'holdline' check (model in ('holdline', 'platform')),
  -- Limits on texts, against toll fraud and against callers who make the clinic pay. Null is no limit. They bound what
  -- is promised; bookings made at the same instant may each be the last one allowed.
  -- A confirmation, two corrections of the number and a change of mind.
  texts_per_call_max integer default 6 check (texts_per_call_max >= 0),
  -- A family books for everybody from one telephone; more is a machine.
  texts_per_number_and_day_max integer default 10 check (texts_per_number_and_day_max >= 0),
  -- Bounds the bill of a bad day. A confirmation and a reminder make two.
  texts_per_day_max integer default 1000 check (texts_per_day_max >= 0),
  -- ISO 3166 codes of the countries texts may go to; null is the organization's own alone.
  text_countries text[] check (array_to_string(text_countries, ',') ~ '^([A-Z]{2}(,[A-Z]{2})*)?$'),
  -- From where a voice platform may open a socket with the organization's key, which stands in the url and is not
  -- signed: single addresses or networks, e.g. 100.20.5.228 or 10.0.0.0/8. Empty: from anywhere.
  socket_addresses text[] not null default '{}'
    check (array_to_string(socket_addresses, ',') ~ '^[0-9A-Fa-f:./,]*$')
);

create table practitioners (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references organizations,
  key text not null check (key ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  name text not null,
  spoken_name text not null,
  -- Here and below null is as it is for the clinic.
  weekly jsonb,
  created_at timestamptz not null default ledger_now(),
  special_days jsonb not null default '[]' check (jsonb_typeof(special_days) = 'array'),
  slot_minutes integer check (slot_minutes > 0),
  grid_minutes integer check (grid_minutes > 0),
  buffer_minutes integer check (buffer_minutes >= 0),
  minimum_notice_minutes integer check (minimum_notice_minutes >= 0),
  horizon_days integer check (horizon_days > 0),
  calendar_id text check (length(calendar_id) between 1 and 320),
  unique (tenant_id, key),
  unique (tenant_id, id)
);

-- An address belongs to one organization only, across all of them: it decides who was called.
create table organization_addresses (
  tenant_id uuid not null references organizations,
  kind text not null check (kind in ('assistant', 'phone-number', 'dialled')),
  value text not null,
  primary key (kind, value)
);
create index organization_addresses_tenant on organization_addresses (tenant_id);

-- Keys are 256 random bits, so a plain hash is enough; the key itself is shown once and not kept.
create table organization_keys (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references organizations,
  hash bytea not null unique,
  label text not null,
  created_at timestamptz not null default ledger_now(),
  revoked_at timestamptz,
  -- A key that may only see opens the console, and no door by which a call could be had.
  role text not null default 'edit' check (role in ('see', 'edit'))
);
create index organization_keys_tenant on organization_keys (tenant_id);

-- What organizations say instead of the shipped templates. Versions are added, never changed or taken away: the
-- newest one of a template is in use, and going back is one more version.
create table prompt_overrides (
  tenant_id uuid not null references organizations,
  -- Path of the shipped template without its ending, e.g. speech/en/offered
  name text not null check (length(name) between 1 and 200),
  version integer not null check (version > 0),
  -- Null: the shipped template is used again.
  text text check (length(text) between 1 and 50000),
  author text not null check (length(author) between 1 and 200),
  note text not null default '' check (length(note) <= 2000),
  created_at timestamptz not null default ledger_now(),
  primary key (tenant_id, name, version)
);

-- What somebody did by the console that others may want to know: whose details were shown, what was blocked or
-- changed. Append-only, and without anything about the patient.
create table console_record (
  id bigint generated always as identity primary key,
  tenant_id uuid not null references organizations,
  -- the key's label, or 'installation'
  who text not null,
  action text not null,
  -- what it was done to: a call's id, an appointment's, a slot's
  about text not null,
  at timestamptz not null default ledger_now()
);
create index console_record_latest on console_record (tenant_id, id);

alter table organizations enable row level security;
alter table organizations force row level security;
create policy own_rows on organizations to holdline_app
  using (id = current_tenant()) with check (id = current_tenant());
create policy directory on organizations for select to holdline_directory using (true);

do $$
declare
  name text;
begin
  foreach name in array array['practitioners', 'organization_addresses', 'organization_keys', 'prompt_overrides',
                              'console_record'] loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy own_rows on %I to holdline_app
      using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())', name);
  end loop;
  foreach name in array array['practitioners', 'organization_addresses', 'organization_keys', 'prompt_overrides'] loop
    execute format('create policy directory on %I for select to holdline_directory using (true)', name);
  end loop;
end
$$;

grant select, insert, update on organizations, practitioners to holdline_app;
grant select, insert, update, delete on organization_addresses, organization_keys to holdline_app;
grant select, insert on prompt_overrides, console_record to holdline_app;
grant select on organizations, practitioners, organization_addresses, organization_keys, prompt_overrides
  to holdline_directory;
