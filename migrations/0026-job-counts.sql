-- The queue counted for a page that is looked at often, without reading all of it: reminders wait there for weeks.

-- What runs or failed is little; what waits is found by whose it is.
create index holdline_jobs_begun on graphile_worker._private_jobs ((payload ->> 'tenantId'))
  where locked_at is not null or attempts > 0;
create index holdline_jobs_waiting on graphile_worker._private_jobs ((payload ->> 'tenantId'))
  where locked_at is null and attempts = 0;

-- As before (0013), by the indexes.
create or replace function count_jobs(p_tenant_id uuid) returns jsonb
  language plpgsql stable security definer set search_path = public, pg_temp as $$
declare
  running bigint;
  failed bigint;
  retrying bigint;
  waiting bigint;
begin
  select count(*) filter (where locked_at is not null),
    count(*) filter (where locked_at is null and attempts >= max_attempts),
    count(*) filter (where locked_at is null and attempts < max_attempts)
  into running, failed, retrying from graphile_worker._private_jobs
  where (locked_at is not null or attempts > 0)
    and (p_tenant_id is null or payload ->> 'tenantId' = p_tenant_id::text);
  if p_tenant_id is null then
    select count(*) into waiting from graphile_worker._private_jobs where locked_at is null and attempts = 0;
  else
    select count(*) into waiting from graphile_worker._private_jobs
    where locked_at is null and attempts = 0 and payload ->> 'tenantId' = p_tenant_id::text;
  end if;
  return jsonb_build_object('running', running, 'failed', failed, 'retrying', retrying, 'waiting', waiting);
end
$$;
