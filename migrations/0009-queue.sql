-- The queue: what is done after a commit, while no caller waits. Its tables are graphile-worker's own, in the schema
-- graphile_worker; they are brought up to date before these migrations. Here stands who may do what with them.

-- holdline_jobs: what the runner works as, and the owner of the functions below. It may use the queue and nothing
-- else: no organization's rows.
do $$
begin
  if not exists (select from pg_roles where rolname = 'holdline_jobs') then
    create role holdline_jobs nologin;
  end if;
exception
  when duplicate_object or unique_violation then null;
end
$$;

-- Whoever may act as the application may take the role on, but does not have its powers unasked.
do $$
begin
  if current_setting('server_version_num')::integer >= 160000 then
    grant holdline_jobs to holdline_app with inherit false, set true;
  else
    grant holdline_jobs to holdline_app;
  end if;
end
$$;

grant usage on schema public, graphile_worker to holdline_jobs;
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

-- When a job that failed is tried again: after five seconds, then twice as long each time up to a quarter of an
-- hour, a quarter more or less so that what failed together does not come back together. enqueue_job gives a job as
-- many attempts as fit into a day. A failure that begins with "final: " is not tried again.
-- (graphile-worker's own rule, e^attempts seconds, has no jitter and gets to six hours.)
create function back_off() returns trigger
  language plpgsql set search_path = public, pg_temp as $$
begin
  if new.last_error like 'final: %' then
    new.attempts := new.max_attempts;
  else
    new.run_at := now()
      + least(interval '5 seconds' * 2 ^ least(new.attempts - 1, 10), interval '15 minutes') * (0.75 + random() / 2);
  end if;
  return new;
end
$$;
create trigger holdline_back_off before update on graphile_worker._private_jobs for each row
  when (old.locked_at is not null and new.locked_at is null and new.attempts = old.attempts and new.run_at > now()
    and new.last_error is not null)
  execute function back_off();

-- The processes that take jobs, and when they last said that they live.
create table job_runners (
  id text primary key,
  seen_at timestamptz not null
);
grant select, insert, update, delete on job_runners to holdline_jobs;

-- Enqueues a job in the transaction it is called in: it is there when that commits, and never when it does not. Its
-- runner is woken at the commit. A job of the same key that has not begun is replaced; one that has begun goes on,
-- and the new one comes after it. p_payload holds ids only: the queue belongs to no organization.
create function enqueue_job(p_task text, p_payload jsonb, p_job_key text default null,
  p_run_at timestamptz default null) returns void
  language plpgsql security definer set search_path = public, pg_temp as $$
begin
  -- Two ids, perhaps three: whoever sends more sends what it is about.
  if jsonb_typeof(p_payload) <> 'object' or length(p_payload::text) > 1000 then
    raise exception 'a job''s payload is a small object of ids' using errcode = 'check_violation';
  end if;
  perform graphile_worker.add_job(p_task, p_payload::json, run_at => p_run_at, job_key => p_job_key,
    max_attempts => 104);
end
$$;

-- Tells that a runner lives and which jobs it is really running; frees the jobs nobody runs, and gives how many:
-- those of runners that have not been heard of for a minute, and those this one was given without hearing of it,
-- because the answer was lost. graphile-worker itself would wait for four hours.
create function tend_jobs(p_runner text, p_running bigint[]) returns integer
  language plpgsql security definer set search_path = public, pg_temp as $$
declare
  freed integer;
  moment timestamptz := clock_timestamp();
begin
  insert into job_runners (id, seen_at) values (p_runner, moment)
  on conflict (id) do update set seen_at = excluded.seen_at;
  delete from job_runners where seen_at < moment - interval '1 minute';
  update graphile_worker._private_jobs as job set locked_at = null, locked_by = null
  where (locked_by = p_runner and locked_at < moment - interval '25 seconds' and id <> all (p_running))
    or (locked_by <> p_runner and locked_at < moment - interval '1 minute'
      and not exists (select from job_runners where job_runners.id = job.locked_by));
  get diagnostics freed = row_count;
  return freed;
end
$$;

-- A runner that ends gives back what it still holds.
create function leave_jobs(p_runner text) returns void
  language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform graphile_worker.force_unlock_workers(array[p_runner]);
  delete from job_runners where id = p_runner;
end
$$;

-- For the people who run it: what waits, what failed, for how long, and why.
create function list_jobs() returns setof jsonb
  language sql stable security definer set search_path = public, pg_temp as $$
  select jsonb_build_object('id', job.id, 'task', task.identifier, 'payload', job.payload, 'key', job.key,
    'attempts', job.attempts, 'lastError', job.last_error, 'runAt', job.run_at, 'createdAt', job.created_at,
    'state', case
      when job.locked_at is not null then 'running'
      when job.attempts >= job.max_attempts then 'failed'
      when job.attempts > 0 then 'retrying'
      else 'waiting'
    end)
  from graphile_worker._private_jobs job join graphile_worker._private_tasks task on task.id = job.task_id
  order by job.run_at, job.id
$$;

-- Tries failed and waiting jobs again at once, with all their attempts; all that failed for good if no id is given.
create function retry_jobs(p_ids bigint[] default null) returns integer
  language plpgsql security definer set search_path = public, pg_temp as $$
declare
  wanted bigint[] := coalesce(p_ids, array(
    select id from graphile_worker._private_jobs where locked_at is null and attempts >= max_attempts));
begin
  perform pg_notify('jobs:insert', json_build_object('r', random(), 'count', cardinality(wanted))::text);
  return (select count(*) from graphile_worker.reschedule_jobs(wanted, run_at => now(), attempts => 0));
end
$$;

-- Removes jobs that failed for good before that instant; kept until then so that somebody can look and try again.
create function forget_failed_jobs(p_before timestamptz) returns integer
  language sql security definer set search_path = public, pg_temp as $$
  with gone as (
    delete from graphile_worker._private_jobs
    where locked_at is null and attempts >= max_attempts and updated_at < p_before returning 1)
  select count(*)::integer from gone
$$;

grant holdline_jobs to current_user;
grant create on schema public to holdline_jobs;
do $$
declare
  name text;
begin
  foreach name in array array['enqueue_job(text, jsonb, text, timestamptz)', 'tend_jobs(text, bigint[])',
    'leave_jobs(text)', 'list_jobs()', 'retry_jobs(bigint[])', 'forget_failed_jobs(timestamptz)'] loop
    execute format('alter function %s owner to holdline_jobs', name);
    execute format('revoke all on function %s from public', name);
    execute format('grant execute on function %s to holdline_app', name);
  end loop;
end
$$;
revoke create on schema public from holdline_jobs;
