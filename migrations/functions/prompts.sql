-- What organizations say instead of the shipped templates.

-- The newest version of every template that is overridden: one organization's, or with null everybody's. Every process
-- keeps them in memory, so that a turn asks nobody.
create or replace function prompt_overrides_in_use(p_tenant uuid)
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
select run_as('prompt_overrides_in_use(uuid)', 'holdline_directory');

-- Rows are only added, so their number tells whether anything was missed.
create or replace function prompt_override_count() returns bigint
  language sql stable security definer set search_path = public, pg_temp
  as $$ select count(*) from prompt_overrides $$;
select run_as('prompt_override_count()', 'holdline_directory');

-- Running processes read an organization's overrides again when they hear this.
create or replace function announce_prompt_override() returns trigger
  language plpgsql as $$
begin
  perform pg_notify('holdline_prompts', new.tenant_id::text);
  return null;
end
$$;
