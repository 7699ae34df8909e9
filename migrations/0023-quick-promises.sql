-- What a booking promises costs it less.

-- As before (0009), with two differences from graphile-worker's own add_job, whose way of writing a job this follows.
--   Its NOTIFY makes every commit wait for the one before it, all over the database: with eight bookings at once that
-- cost more than all else that a promise costs. A job whose time is given needs nobody woken: runners look every two
-- seconds. Only one without a time, to be done at once, wakes its runner.
--   A job of the same key that a runner takes at this instant is not mistaken for one that waits: add_job would then
-- write nothing, and what was promised would be lost.
create or replace function enqueue_job(p_task text, p_payload jsonb, p_job_key text default null,
  p_run_at timestamptz default null) returns void
  language plpgsql security definer set search_path = public, pg_temp as $$
declare
  task integer;
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
    values (task, p_payload::json, coalesce(p_run_at, now()), 104, p_job_key)
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

-- As before (0015), without waking a runner: the event follows within two seconds, and the booking waits for no other.
create or replace function ask_for_event(p_tenant_id uuid, p_appointment_id uuid) returns void
  language sql volatile
  begin atomic
    select enqueue_job('calendar-event', jsonb_build_object('tenantId', p_tenant_id, 'appointmentId', p_appointment_id),
      'calendar-event:' || p_appointment_id, now());
  end;

-- As before (0012), but nothing is counted that is not limited, and nothing further than its limit.
--   What a limit refuses is the text, never the appointment: somebody who has found a time and said yes has it, and
-- whoever fakes bookings to make the clinic pay for texts is stopped by the limits on holds. The booking is then made
-- with the text recorded as failed, reason limit, and the caller is told that none comes. A number corrected afterwards
-- and refused is the one answer that fails with limit, as nothing but the text was asked for.
create or replace function text_refusal(about appointments, p_number text) returns text
  language plpgsql stable as $$
declare
  per_call integer;
  per_number_and_day integer;
  per_day integer;
  moment timestamptz := ledger_now();
begin
  if number_opted_out(p_number) then
    return 'opted_out';
  end if;
  select texts_per_call_max, texts_per_number_and_day_max, texts_per_day_max
  into per_call, per_number_and_day, per_day from organizations where id = about.tenant_id;
  if per_call is not null and per_call <= (
    select count(*) from (
      select from text_messages t join appointments a on a.id = t.appointment_id
      where a.tenant_id = about.tenant_id and a.call_sid = about.call_sid and t.wording <> 'reminder'
        and t.status not in ('failed', 'replaced', 'withdrawn') limit per_call) as counted)
  then
    return 'limit';
  end if;
  if per_number_and_day is not null and per_number_and_day <= (
    select count(*) from (
      select from text_messages
      where tenant_id = about.tenant_id and number = p_number and created_at > moment - interval '1 day'
        and wording <> 'reminder' and status not in ('failed', 'replaced', 'withdrawn')
      limit per_number_and_day) as counted)
  then
    return 'limit';
  end if;
  if per_day is not null and per_day <= (
    select count(*) from (
      select from text_messages
      where tenant_id = about.tenant_id and created_at > moment - interval '1 day'
        and status not in ('failed', 'replaced', 'withdrawn') limit per_day) as counted)
  then
    return 'limit';
  end if;
  return null;
end
$$;
