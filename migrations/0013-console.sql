-- The clinic's own people: what a key of theirs may do, what they did by the console, and the console's lists.

-- A key that may only see opens the console, and no door by which a call could be had.
alter table organization_keys add column role text not null default 'edit' check (role in ('see', 'edit'));

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

alter table console_record enable row level security;
alter table console_record force row level security;
create policy own_rows on console_record to holdline_app
  using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());
grant select, insert on console_record to holdline_app;

-- A page of calls, the latest first, and the turns of a stretch of time.
create index call_states_latest on call_states (tenant_id, created_at, id);
create index call_turns_latest on call_turns (tenant_id, at);

-- A call that has not ended and that was heard of lately: nobody says of every call that it is over.
create function call_is_live(call call_states) returns boolean
  language sql stable
  return call.ended_at is null and greatest(call.turn_began_at, call.created_at) > now() - interval '10 minutes';

-- One organization's jobs, or everybody's: a page of those in a state, the latest first, and how many there are of
-- each. p_payload's ids say whose a job is.
create function page_jobs(p_tenant_id uuid, p_state text, p_limit integer) returns setof jsonb
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

create function count_jobs(p_tenant_id uuid) returns jsonb
  language sql stable security definer set search_path = public, pg_temp as $$
  select jsonb_build_object(
    'running', count(*) filter (where locked_at is not null),
    'failed', count(*) filter (where locked_at is null and attempts >= max_attempts),
    'retrying', count(*) filter (where locked_at is null and attempts > 0 and attempts < max_attempts),
    'waiting', count(*) filter (where locked_at is null and attempts = 0))
  from graphile_worker._private_jobs
  where p_tenant_id is null or payload ->> 'tenantId' = p_tenant_id::text
$$;

-- Tries one job again at once, with all its attempts; false when there is none of this id that is theirs and waits.
create function retry_job(p_tenant_id uuid, p_id bigint) returns boolean
  language plpgsql security definer set search_path = public, pg_temp as $$
begin
  perform from graphile_worker._private_jobs
  where id = p_id and locked_at is null
    and (p_tenant_id is null or payload ->> 'tenantId' = p_tenant_id::text);
  return found and retry_jobs(array[p_id]) = 1;
end
$$;

grant holdline_jobs to current_user;
grant create on schema public to holdline_jobs;
do $$
declare
  name text;
begin
  foreach name in array array['page_jobs(uuid, text, integer)', 'count_jobs(uuid)', 'retry_job(uuid, bigint)'] loop
    execute format('alter function %s owner to holdline_jobs', name);
    execute format('revoke all on function %s from public', name);
    execute format('grant execute on function %s to holdline_app', name);
  end loop;
end
$$;
revoke create on schema public from holdline_jobs;
