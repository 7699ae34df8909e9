-- Who is called: organizations, their practitioners, the addresses they are reached at and their keys.
-- Every table of an organization carries tenant_id and shows its rows only to a connection that has said
-- whose rows it wants (holdline.tenant_id, set per transaction). A connection that forgot sees nothing.

create extension if not exists btree_gist;

-- holdline_app: what the application runs as. It owns nothing and cannot bypass row-level security.
-- holdline_directory: owns the few functions that look across organizations, and can do nothing else.
do $$
declare
  wanted text;
begin
  foreach wanted in array array['holdline_app', 'holdline_directory'] loop
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

grant usage on schema public to holdline_app, holdline_directory;

-- After a transaction-local set_config the setting reads back as '' rather than as unset, hence nullif.
create function current_tenant() returns uuid
  language sql stable parallel safe
  return nullif(current_setting('holdline.tenant_id', true), '')::uuid;

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
  schedule jsonb not null,
  -- Against callers who block a clinic's day. Null is no limit.
  -- Nobody needs more holds in one call: a caller who has gone through twenty is not going to choose.
  holds_per_call_max integer default 20,
  -- A number that claims more in a day is a machine, or a switchboard that deserves a human.
  holds_per_number_and_day_max integer default 30,
  -- Holds nobody has confirmed yet, at once: bounds what a flood from many numbers can block.
  live_holds_max integer default 100,
  -- Patients' details older than this are removed; null keeps them.
  retention_days integer default 365 check (retention_days > 0),
  created_at timestamptz not null default now()
);

create table practitioners (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references organizations,
  key text not null check (key ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  name text not null,
  spoken_name text not null,
  weekly jsonb,
  created_at timestamptz not null default now(),
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
  created_at timestamptz not null default now(),
  revoked_at timestamptz
);
create index organization_keys_tenant on organization_keys (tenant_id);

alter table organizations enable row level security;
alter table organizations force row level security;
create policy own_rows on organizations to holdline_app
  using (id = current_tenant()) with check (id = current_tenant());
create policy directory on organizations for select to holdline_directory using (true);

do $$
declare
  name text;
begin
  foreach name in array array['practitioners', 'organization_addresses', 'organization_keys'] loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy own_rows on %I to holdline_app
      using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())', name);
    execute format('create policy directory on %I for select to holdline_directory using (true)', name);
  end loop;
end
$$;

grant select, insert, update on organizations, practitioners to holdline_app;
grant select, insert, update, delete on organization_addresses, organization_keys to holdline_app;
grant select on organizations, practitioners, organization_addresses, organization_keys to holdline_directory;

-- Looks across organizations: the only way to learn, from a key or an address, who was called.
create function organization_directory() returns setof jsonb
  language sql stable security definer set search_path = public, pg_temp
  begin atomic
    select jsonb_build_object(
      'id', o.id, 'key', o.key, 'name', o.name, 'zone', o.zone, 'country', o.country,
      'languages', o.languages, 'receptionistName', o.receptionist_name, 'humanNumber', o.human_number,
      'vapiPrompt', o.vapi_prompt, 'releaseOnHangUp', o.release_on_hang_up, 'schedule', o.schedule,
      'practitioners', coalesce((
        select jsonb_agg(jsonb_build_object('id', p.id, 'key', p.key, 'name', p.name,
          'spokenName', p.spoken_name, 'weekly', p.weekly) order by p.key)
        from practitioners p where p.tenant_id = o.id), '[]'),
      'addresses', coalesce((
        select jsonb_agg(jsonb_build_object('kind', a.kind, 'value', a.value))
        from organization_addresses a where a.tenant_id = o.id), '[]'),
      'keyHashes', coalesce((
        select jsonb_agg(encode(k.hash, 'hex'))
        from organization_keys k where k.tenant_id = o.id and k.revoked_at is null), '[]'))
    from organizations o;
  end;

-- A function's owner must be allowed to create in its schema at the moment it becomes the owner.
grant holdline_directory to current_user;
grant create on schema public to holdline_directory;
alter function organization_directory() owner to holdline_directory;
revoke create on schema public from holdline_directory;
revoke all on function organization_directory() from public;
grant execute on function organization_directory() to holdline_app;

-- Running processes keep the directory in memory and read it again when they hear this.
create function announce_directory() returns trigger
  language plpgsql as $$
begin
  perform pg_notify('holdline_directory', '');
  return null;
end
$$;

do $$
declare
  name text;
begin
  foreach name in array array['organizations', 'practitioners', 'organization_addresses', 'organization_keys'] loop
    execute format('create trigger announce after insert or update or delete on %I
      for each statement execute function announce_directory()', name);
  end loop;
end
$$;
