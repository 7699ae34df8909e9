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
  created_at timestamptz not null default now(),
  primary key (tenant_id, name, version)
);

alter table prompt_overrides enable row level security;
alter table prompt_overrides force row level security;
create policy own_rows on prompt_overrides to holdline_app
  using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());
create policy directory on prompt_overrides for select to holdline_directory using (true);
grant select, insert on prompt_overrides to holdline_app;
grant select on prompt_overrides to holdline_directory;

-- Looks across organizations: every process keeps what is in use in memory, so that a turn asks nobody. One
-- organization's, or with null everybody's.
create function prompt_overrides_in_use(p_tenant uuid)
  returns table (tenant_id uuid, organization text, name text, version integer, text text)
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select newest.tenant_id, o.key, newest.name, newest.version, newest.text
    from (
      select distinct on (p.tenant_id, p.name) p.*
      from prompt_overrides p
      where p_tenant is null or p.tenant_id = p_tenant
      order by p.tenant_id, p.name, p.version desc) newest
    join organizations o on o.id = newest.tenant_id
    where newest.text is not null
  $$;

-- Rows are only added, so their number tells whether anything was missed.
create function prompt_override_count() returns bigint
  language sql stable security definer set search_path = public, pg_temp
  as $$ select count(*) from prompt_overrides $$;

grant create on schema public to holdline_directory;
alter function prompt_overrides_in_use(uuid) owner to holdline_directory;
alter function prompt_override_count() owner to holdline_directory;
revoke create on schema public from holdline_directory;
revoke all on function prompt_overrides_in_use(uuid) from public;
revoke all on function prompt_override_count() from public;
grant execute on function prompt_overrides_in_use(uuid), prompt_override_count() to holdline_app;

create function announce_prompt_override() returns trigger
  language plpgsql as $$
begin
  perform pg_notify('holdline_prompts', new.tenant_id::text);
  return null;
end
$$;
create trigger announce after insert on prompt_overrides
  for each row execute function announce_prompt_override();
