-- The queue: what is done after a commit, while no caller waits. Its tables are graphile-worker's own. The functions
-- that work on them have the rights of holdline_jobs, which sees the queue and no organization's rows.
-- Times here are Postgres' own, now(), and not the ledger's: graphile-worker compares with them what is due. enqueue_job
-- is where a time of the ledger becomes one of the queue.

-- Enqueues a job in the transaction it is called in: it is there when that commits, and never when it does not. A job
-- of the same key that has not begun is replaced; one that has begun goes on, and the new one comes after it.
-- p_payload holds ids only: the queue belongs to no organization. p_run_at is by the ledger's clock; null: at once.
-- There are two differences from graphile-worker's own add_job, whose way of writing a job this follows.
--   add_job's NOTIFY makes every commit wait for the one before it, all over the database: with eight bookings at once
-- that cost more than all else that a promise costs. A job whose time is given needs nobody woken: runners look every
-- two seconds. Only one without a time, to be done at once, wakes its runner, at the commit.
--   A job of the same key that a runner takes at this instant is not mistaken for one that waits: add_job would then
-- write nothing, and what was promised would be lost.
create or replace function enqueue_job(p_task text, p_payload jsonb, p_job_key text default null,
  p_run_at timestamptz default null) returns void
  language plpgsql security definer set search_path = public, pg_temp as $$
declare
  task integer;
  -- How far Postgres' clock is ahead of the ledger's: not at all, unless somebody has moved the ledger's. In whole
  -- seconds, because a process may be stopped for a moment between the two looks.
  ahead interval := make_interval(secs => round(extract(epoch from clock_timestamp() - ledger_now())));
begin
  -- Two ids, perhaps three: whoever sends more sends what it is about.
  if jsonb_typeof(p_payload) <> 'object' or length(p_payload::text) > 1000 then
    raise exception 'a job''s payload is a small object of ids' using errcode = 'check_violation';
  end if;
  select id into task from graphile_worker._private_tasks where identifier = p_task;
  if task is null then
    insert into graphile_worker._private_tasks (identifier) values (p_task) on conflict do nothing;
    select id into strict task from graphile_worker._private_tasks where identifier = p_task;
  end if;
  loop
    -- One that has begun, or was given up, is left to itself.
    if p_job_key is not null then
      update graphile_worker._private_jobs set key = null, attempts = max_attempts, updated_at = now()
      where key = p_job_key and is_available is not true;
    end if;
    insert into graphile_worker._private_jobs as job (task_id, payload, run_at, max_attempts, key)
    values (task, p_payload::json, coalesce(p_run_at + ahead, now()), 104, p_job_key)
    on conflict (key) do update set task_id = excluded.task_id, payload = excluded.payload, run_at = excluded.run_at,
      max_attempts = excluded.max_attempts, priority = excluded.priority, job_queue_id = null, flags = null,
      revision = job.revision + 1, attempts = 0, last_error = null, updated_at = now()
      where job.is_available;
    exit when found;
  end loop;
  if p_run_at is null then
    perform pg_notify('jobs:insert', json_build_object('r', random(), 'count', 1)::text);
  end if;
end
$$;
select run_as('enqueue_job(text, jsonb, text, timestamptz)', 'holdline_jobs');

-- When a job that failed is tried again: after five seconds, then twice as long each time up to a quarter of an
-- hour, a quarter more or less so that what failed together does not come back together. enqueue_job gives a job as
-- many attempts as fit into a day. A failure that begins with "final: " is not tried again; one that begins with
-- "again in 5000 ms: " is tried again after that time, however many attempts there were: its policy is the task's own
-- (that of texts stands in src/jobs/text-retries.ts).
-- (graphile-worker's own rule, e^attempts seconds, has no jitter and gets to six hours.)
create or replace function back_off() returns trigger
  language plpgsql set search_path = public, pg_temp as $$
begin
  if new.last_error like 'final: %' then
    new.attempts := new.max_attempts;
  elsif new.last_error ~ '^again in \d+ ms: ' then
    new.run_at := now() + substring(new.last_error from '^again in (\d+) ms: ')::bigint * interval '1 millisecond';
    new.max_attempts := greatest(new.max_attempts, new.attempts + 1);
  else
    new.run_at := now()
      + least(interval '5 seconds' * 2 ^ least(new.attempts - 1, 10), interval '15 minutes') * (0.75 + random() / 2);
  end if;
  return new;
end
$$;

-- Tells that a runner lives and which jobs it is really running, and frees the jobs nobody runs: those of runners that
-- have not been heard of for a minute, and those this one was given without hearing of it, because the answer was
-- lost. graphile-worker itself would wait for four hours. Returns how many it freed.
create or replace function tend_jobs(p_runner text, p_running bigint[]) returns integer
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
select run_as('tend_jobs(text, bigint[])', 'holdline_jobs');

-- A runner that ends gives back what it still holds.
create or replace function leave_jobs(p_runner text) returns void
  language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform graphile_worker.force_unlock_workers(array[p_runner]);
  delete from job_runners where id = p_runner;
end
$$;
select run_as('leave_jobs(text)', 'holdline_jobs');

-- For the people who run it: what waits, what failed, for how long, and why.
create or replace function list_jobs() returns setof jsonb
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
select run_as('list_jobs()', 'holdline_jobs');

-- Tries failed and waiting jobs again at once, with all their attempts; all that failed for good if no id is given.
-- Returns how many.
create or replace function retry_jobs(p_ids bigint[] default null) returns integer
  language plpgsql security definer set search_path = public, pg_temp as $$
declare
  wanted bigint[] := coalesce(p_ids, array(
    select id from graphile_worker._private_jobs where locked_at is null and attempts >= max_attempts));
begin
  perform pg_notify('jobs:insert', json_build_object('r', random(), 'count', cardinality(wanted))::text);
  return (select count(*) from graphile_worker.reschedule_jobs(wanted, run_at => now(), attempts => 0));
end
$$;
select run_as('retry_jobs(bigint[])', 'holdline_jobs');

-- Tries one job again at once, with all its attempts; false when there is none of this id that is theirs and waits.
create or replace function retry_job(p_tenant_id uuid, p_id bigint) returns boolean
  language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform from graphile_worker._private_jobs
  where id = p_id and locked_at is null
    and (p_tenant_id is null or payload ->> 'tenantId' = p_tenant_id::text);
  return found and retry_jobs(array[p_id]) = 1;
end
$$;
select run_as('retry_job(uuid, bigint)', 'holdline_jobs');

-- Removes jobs that failed for good before that instant; kept until then so that somebody can look and try again.
-- Returns how many.
create or replace function forget_failed_jobs(p_before timestamptz) returns integer
  language sql security definer set search_path = public, pg_temp as $$
  with gone as (
    delete from graphile_worker._private_jobs
    where locked_at is null and attempts >= max_attempts and updated_at < p_before returning 1)
  select count(*)::integer from gone
$$;
select run_as('forget_failed_jobs(timestamptz)', 'holdline_jobs');

-- One organization's jobs, or everybody's: a page of those in a state, the latest first. The ids in its payload say
-- whose a job is.
create or replace function page_jobs(p_tenant_id uuid, p_state text, p_limit integer) returns setof jsonb
  language sql stable security definer set search_path = public, pg_temp as $$
  select jsonb_build_object('id', job.id, 'task', task.identifier, 'attempts', job.attempts,
    'lastError', left(job.last_error, 500), 'runAt', job.run_at, 'createdAt', job.created_at, 'state', p_state)
  from graphile_worker._private_jobs job join graphile_worker._private_tasks task on task.id = job.task_id
  where (p_tenant_id is null or job.payload ->> 'tenantId' = p_tenant_id::text)
    and case p_state
      when 'running' then job.locked_at is not null
      when 'failed' then job.locked_at is null and job.attempts >= job.max_attempts
      when 'retrying' then job.locked_at is null and job.attempts > 0 and job.attempts < job.max_attempts
      else job.locked_at is null and job.attempts = 0
    end
  order by job.id desc limit p_limit
$$;
select run_as('page_jobs(uuid, text, integer)', 'holdline_jobs');

-- How many of an organization's jobs, or of everybody's, are in each state. For a page that is looked at often, so it
-- reads by the indexes and not all of the queue: reminders wait there for weeks.
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
select run_as('count_jobs(uuid)', 'holdline_jobs');

-- How the queue stands, for whoever watches it.
create or replace function queue_figures() returns jsonb
  language sql stable security definer set search_path = public, pg_temp as $$
  select jsonb_build_object(
    'waiting', count(*) filter (where locked_at is null and attempts = 0),
    'retrying', count(*) filter (where locked_at is null and attempts between 1 and max_attempts - 1),
    'running', count(*) filter (where locked_at is not null),
    'failed', count(*) filter (where locked_at is null and attempts >= max_attempts),
    'oldestDueMs', coalesce(extract(epoch from now() - min(run_at)
      filter (where locked_at is null and attempts < max_attempts and run_at <= now())) * 1000, 0))
  from graphile_worker._private_jobs
$$;
select run_as('queue_figures()', 'holdline_jobs');
