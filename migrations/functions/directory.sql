-- Who was called.

-- All organizations with their practitioners, addresses and keys: the only way to learn, from a key or an address, who
-- was called. It tells every column of organizations and practitioners under the name it has there, so that a new
-- setting is told without this function being written again. Secrets do not belong into these two tables.
create or replace function organization_directory() returns setof jsonb
  language sql stable security definer set search_path = public, pg_temp
  as $$
    select to_jsonb(o) || jsonb_build_object(
      'practitioners', coalesce((
        select jsonb_agg(to_jsonb(p) order by p.key)
        from practitioners p where p.tenant_id = o.id), '[]'),
      'addresses', coalesce((
        select jsonb_agg(jsonb_build_object('kind', a.kind, 'value', a.value))
        from organization_addresses a where a.tenant_id = o.id), '[]'),
      'keys', coalesce((
        select jsonb_agg(to_jsonb(k) - 'hash' || jsonb_build_object('hash', encode(k.hash, 'hex')))
        from organization_keys k where k.tenant_id = o.id and k.revoked_at is null), '[]'))
    from organizations o
  $$;
select run_as('organization_directory()', 'holdline_directory');

-- Running processes keep the directory in memory and read it again when they hear this.
create or replace function announce_directory() returns trigger
  language plpgsql as $$
begin
  perform pg_notify('holdline_directory', '');
  return null;
end
$$;
