-- The directory tells every column of an organization and of its practitioners, under the names they have in the
-- tables: a setting that is added later is told without this function being written again. Secrets of an
-- organization do not belong into these two tables.

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
