-- The queue's tables are graphile-worker's own, in the schema graphile_worker; they are brought up to date before these
-- files. Here stands who may do what with them, and what we need besides.

-- Whoever may act as the application may take the role on, but does not have its powers unasked. Before Postgres 16 a
-- grant could not say so, and the role itself has to.
do $$
begin
  if current_setting('server_version_num')::integer >= 160000 then
    -- As a text: Postgres 14 and 15 read the whole block before they run any of it.
    execute 'grant holdline_jobs to holdline_app with inherit false, set true';
  else
    grant holdline_jobs to holdline_app;
    alter role holdline_app noinherit;
  end if;
end
$$;

grant usage on schema graphile_worker to holdline_jobs;
grant select, insert, update, delete on all tables in schema graphile_worker to holdline_jobs;
grant usage, select on all sequences in schema graphile_worker to holdline_jobs;
-- A process that starts looks whether the queue is up to date.
grant usage on schema graphile_worker to holdline_app;
grant select on graphile_worker.migrations to holdline_app;

-- graphile-worker's tables have row-level security without policies: only their owner would see anything.
do $$
declare
  name text;
begin
  for name in
    select relname from pg_class where relnamespace = 'graphile_worker'::regnamespace and relrowsecurity
  loop
    execute format('create policy holdline_jobs on graphile_worker.%I to holdline_jobs using (true) with check (true)',
      name);
  end loop;
end
$$;

-- For count_jobs: what runs or failed is little; what waits is found by whose it is.
create index holdline_jobs_begun on graphile_worker._private_jobs ((payload ->> 'tenantId'))
  where locked_at is not null or attempts > 0;
create index holdline_jobs_waiting on graphile_worker._private_jobs ((payload ->> 'tenantId'))
  where locked_at is null and attempts = 0;

-- The processes that take jobs, and when they last said that they live.
create table job_runners (
  id text primary key,
  seen_at timestamptz not null
);
grant select, insert, update, delete on job_runners to holdline_jobs;
