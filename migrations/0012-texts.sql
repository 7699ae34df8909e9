-- Text messages: promised in the transaction of what they are about, sent by a job after it, once.

-- Limits against toll fraud and against callers who make the clinic pay. Null is no limit. They bound what is promised;
-- bookings made at the same instant may each be the last one allowed.
alter table organizations
  -- A confirmation, two corrections of the number and a change of mind.
  add column texts_per_call_max integer default 6 check (texts_per_call_max >= 0),
  -- A family books for everybody from one telephone; more is a machine.
  add column texts_per_number_and_day_max integer default 10 check (texts_per_number_and_day_max >= 0),
  -- Bounds the bill of a bad day. A confirmation and a reminder make two.
  add column texts_per_day_max integer default 1000 check (texts_per_day_max >= 0),
  -- ISO 3166 codes of the countries texts may go to; null is the organization's own alone.
  add column text_countries text[] check (array_to_string(text_countries, ',') ~ '^([A-Z]{2}(,[A-Z]{2})*)?$');

-- recorded: promised; sending: an attempt began, and whether it got through may not be known; sent: the provider has
-- it; delivered; failed: given up, with the reason; replaced: by one to a corrected number; withdrawn: what it was
-- about is no longer so.
alter table text_messages drop constraint text_messages_status_check;
alter table text_messages
  add constraint text_messages_status_check
    check (status in ('recorded', 'sending', 'sent', 'delivered', 'failed', 'replaced', 'withdrawn')),
  add column reason text,
  add column error_code integer,
  add column attempts integer not null default 0,
  -- while this lasts, one process is trying; nobody else does
  add column attempt_until timestamptz,
  add column first_attempt_at timestamptz,
  -- an attempt may have been accepted without our hearing of it: look before sending again
  add column unclear boolean not null default false,
  -- the words as they were sent, by which an accepted attempt is recognised
  add column body text,
  add column provider_sid text,
  -- earlier messages for this text that the provider could not deliver
  add column past_sids text[] not null default '{}',
  add column updated_at timestamptz not null default ledger_now();
create unique index text_messages_sid on text_messages (provider_sid) where provider_sid is not null;
create index text_messages_number on text_messages (tenant_id, number, created_at);
create index text_messages_replies on text_messages (number, updated_at) where provider_sid is not null;

-- Numbers that answered STOP. It holds for every organization: they share the number texts come from, and the
-- provider refuses that pair of numbers. No organization's rows, reached by the two functions below only.
create table text_opt_outs (
  number text primary key,
  since timestamptz not null default now()
);
grant select, insert, delete on text_opt_outs to holdline_directory;

create function set_text_opt_out(p_number text, p_out boolean) returns void
  language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if p_out then
    insert into text_opt_outs (number) values (p_number) on conflict (number) do nothing;
  else
    delete from text_opt_outs where number = p_number;
  end if;
end
$$;

create function number_opted_out(p_number text) returns boolean
  language sql stable security definer set search_path = public, pg_temp as $$
  select exists (select from text_opt_outs where number = p_number)
$$;

-- Texts that came in, so that one the provider delivers twice acts once.
create table text_replies (
  provider_sid text primary key,
  at timestamptz not null default now()
);
grant select, insert, delete on text_replies to holdline_app;

-- People who answered a text with "call me".
create table call_back_requests (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references organizations,
  number text not null,
  appointment_id uuid references appointments,
  asked_at timestamptz not null default ledger_now(),
  done_at timestamptz
);
create unique index call_back_requests_open on call_back_requests (tenant_id, number) where done_at is null;
alter table call_back_requests enable row level security;
alter table call_back_requests force row level security;
create policy own_rows on call_back_requests to holdline_app
  using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());
grant select, insert, update, delete on call_back_requests to holdline_app;

-- Why a number may not be texted about an appointment: opted_out, limit, or null when it may.
create function text_refusal(about appointments, p_number text) returns text
  language plpgsql stable as $$
declare
  limits organizations;
  moment timestamptz := ledger_now();
begin
  if number_opted_out(p_number) then
    return 'opted_out';
  end if;
  select * into limits from organizations where id = about.tenant_id;
  if limits.texts_per_call_max <= (
      select count(*) from text_messages t join appointments a on a.id = t.appointment_id
      where a.tenant_id = about.tenant_id and a.call_sid = about.call_sid and t.wording <> 'reminder'
        and t.status not in ('failed', 'replaced', 'withdrawn'))
    or limits.texts_per_number_and_day_max <= (
      select count(*) from text_messages
      where tenant_id = about.tenant_id and number = p_number and created_at > moment - interval '1 day'
        and wording <> 'reminder' and status not in ('failed', 'replaced', 'withdrawn'))
    or limits.texts_per_day_max <= (
      select count(*) from text_messages
      where tenant_id = about.tenant_id and created_at > moment - interval '1 day'
        and status not in ('failed', 'replaced', 'withdrawn'))
  then
    return 'limit';
  end if;
  return null;
end
$$;

-- Writes one text message and the job that sends it. Its identity is (appointment, number, wording): promised again it
-- is the same one. The job's key is (appointment, wording): a corrected number takes the place of the old one's job.
create function write_text(about appointments, p_number text, p_wording text, p_language text, p_at timestamptz)
  returns void language plpgsql as $$
declare
  written text_messages;
begin
  insert into text_messages (tenant_id, appointment_id, number, wording, language, send_after)
  values (about.tenant_id, about.id, p_number, p_wording, p_language, p_at)
  on conflict (appointment_id, number, wording) do update
    set status = 'recorded', reason = null, send_after = excluded.send_after, updated_at = ledger_now()
    where text_messages.status = 'replaced'
  returning * into written;
  if found then
    perform enqueue_job('send-text', jsonb_build_object('tenantId', about.tenant_id, 'textId', written.id),
      'text/' || about.id || '/' || p_wording, p_at);
  end if;
end
$$;

-- Promises a text message about an appointment. p_text: {number, wording, language}. It waits ten seconds, so that a
-- correction in the caller's next breath replaces it. With a confirmation or a move goes the reminder: a day before,
-- by the clinic's clock, if that is far enough away to remind of anything.
-- Gives queued, or why not: opted_out, limit, failed (this number was tried and given up); null without a number.
drop function promise_text(appointments, jsonb);
create function promise_text(about appointments, p_text jsonb) returns text
  language plpgsql as $$
declare
  wanted_number text := p_text ->> 'number';
  wanted_wording text := p_text ->> 'wording';
  wanted_language text := p_text ->> 'language';
  moment timestamptz := ledger_now();
  existing text_messages;
  refusal text;
  remind_at timestamptz;
begin
  if wanted_number is null then
    return null;
  end if;
  -- What waits to go to another number goes there no more. One that is on its way at this instant is too late to stop.
  update text_messages set status = 'replaced', updated_at = moment
  where appointment_id = about.id and wording in (wanted_wording, 'reminder') and number <> wanted_number
    and status in ('recorded', 'sending') and (attempt_until is null or attempt_until < moment);

  select * into existing from text_messages
  where appointment_id = about.id and number = wanted_number and wording = wanted_wording;
  if existing.status in ('failed', 'withdrawn') then
    return coalesce(existing.reason, 'failed');
  end if;
  if existing.id is null then
    refusal := text_refusal(about, wanted_number);
    if refusal is not null then
      insert into text_messages (tenant_id, appointment_id, number, wording, language, send_after, status, reason)
      values (about.tenant_id, about.id, wanted_number, wanted_wording, wanted_language, moment, 'failed', refusal);
      return refusal;
    end if;
  end if;
  perform write_text(about, wanted_number, wanted_wording, wanted_language, moment + interval '10 seconds');

  if wanted_wording in ('confirmation', 'moved') then
    select timezone(zone, timezone(zone, about.starts_at) - interval '1 day') into remind_at
    from organizations where id = about.tenant_id;
    -- Whoever booked within the last hours needs no reminder.
    if remind_at > moment + interval '4 hours' then
      perform write_text(about, wanted_number, 'reminder', wanted_language, remind_at);
    end if;
  end if;
  return 'queued';
end
$$;

-- When an appointment ends, what was still to be said about it is not said, and whoever was told of it is told of
-- that: of its being cancelled here, of a move with the new appointment.
create function text_about_ending() returns trigger
  language plpgsql as $$
declare
  told text_messages;
begin
  update text_messages set status = 'withdrawn', updated_at = ledger_now()
  where appointment_id = new.id and status = 'recorded';
  if new.status = 'cancelled' and new.starts_at > ledger_now() then
    told := text_address(new.id);
    perform promise_text(new, jsonb_build_object('number', coalesce(told.number, new.patient ->> 'phone'),
      'wording', 'cancelled', 'language', coalesce(told.language, usual_language(new.tenant_id))));
  end if;
  return null;
end
$$;

create function text_about_move() returns trigger
  language plpgsql as $$
declare
  told text_messages := text_address(new.moved_from);
begin
  perform promise_text(new, jsonb_build_object('number', coalesce(told.number, new.patient ->> 'phone'),
    'wording', 'moved', 'language', coalesce(told.language, usual_language(new.tenant_id))));
  return null;
end
$$;

-- Where the latest text about an appointment went, and in which language.
create function text_address(p_appointment_id uuid) returns text_messages
  language sql stable as $$
  select * from text_messages
  where appointment_id = p_appointment_id and wording <> 'reminder' and status not in ('failed', 'replaced')
  order by created_at desc limit 1
$$;

create function usual_language(p_tenant_id uuid) returns text
  language sql stable as $$ select languages[1] from organizations where id = p_tenant_id $$;

create trigger text_about_ending after update of status on appointments for each row
  when (old.status = 'booked' and new.status <> 'booked') execute function text_about_ending();
create trigger text_about_move after insert on appointments for each row
  when (new.moved_from is not null) execute function text_about_move();

-- What a text is about, for whoever words it. Null when there is none.
create function text_facts(p_tenant_id uuid, p_text_id uuid) returns jsonb
  language plpgsql as $$
begin
  perform set_config('holdline.tenant_id', p_tenant_id::text, true);
  return (
    select jsonb_build_object('status', t.status, 'wording', t.wording, 'language', t.language, 'body', t.body,
      'name', a.patient ->> 'name', 'startsAt', a.starts_at, 'practitionerId', a.practitioner_id,
      'old', (select jsonb_build_object('startsAt', o.starts_at, 'practitionerId', o.practitioner_id)
        from appointments o where o.id = a.moved_from))
    from text_messages t join appointments a on a.id = t.appointment_id
    where t.tenant_id = p_tenant_id and t.id = p_text_id);
end
$$;

-- Begins an attempt to send a text: from here until finish_text or the end of the lease nobody else tries.
-- p_body is how it would be worded now; if an earlier attempt may have got through, that one's words count.
-- Gives {do: nothing}, {do: busy}, or {do: send, number, body, look, since, give_up}: look whether an earlier attempt
-- was accepted after `since`, and send otherwise, unless give_up says why not (withdrawn, expired).
create function begin_text(p_tenant_id uuid, p_text_id uuid, p_body text, p_lease interval) returns jsonb
  language plpgsql as $$
declare
  message text_messages;
  about appointments;
  moment timestamptz;
  give_up text;
begin
  perform set_config('holdline.tenant_id', p_tenant_id::text, true);
  select * into message from text_messages where tenant_id = p_tenant_id and id = p_text_id for update;
  moment := ledger_now();
  if not found or message.status not in ('recorded', 'sending') or message.send_after > moment + interval '1 second' then
    return jsonb_build_object('do', 'nothing');
  end if;
  if message.attempt_until > moment then
    return jsonb_build_object('do', 'busy');
  end if;
  select * into about from appointments where id = message.appointment_id;
  if about.status <> (case message.wording when 'cancelled' then 'cancelled' else 'booked' end)
    or about.starts_at <= moment
  then
    give_up := 'withdrawn';
  elsif number_opted_out(message.number) then
    give_up := 'opted_out';
  elsif message.first_attempt_at < moment - interval '1 day' then
    give_up := 'expired';
  end if;
  if give_up is not null and not message.unclear then
    update text_messages set status = case give_up when 'withdrawn' then 'withdrawn' else 'failed' end,
      reason = nullif(give_up, 'withdrawn'), attempt_until = null, updated_at = moment
    where id = message.id;
    return jsonb_build_object('do', 'nothing');
  end if;
  update text_messages set status = 'sending', attempts = attempts + 1, attempt_until = moment + p_lease,
    first_attempt_at = coalesce(first_attempt_at, moment), unclear = true,
    body = case when message.unclear then message.body else p_body end, updated_at = moment
  where id = message.id;
  return jsonb_build_object('do', 'send', 'number', message.number,
    'body', case when message.unclear then message.body else p_body end,
    'look', message.unclear, 'since', message.first_attempt_at, 'give_up', give_up, 'past_sids', message.past_sids);
end
$$;

-- Ends an attempt. p_status: sent (with p_sid), failed or withdrawn (with p_reason), or sending: to be tried again,
-- p_unclear telling whether it may have got through. A text that was replaced meanwhile and did go out is sent.
-- Gives false when that message is another text's.
create function finish_text(p_tenant_id uuid, p_text_id uuid, p_status text, p_sid text default null,
  p_reason text default null, p_code integer default null, p_unclear boolean default false) returns boolean
  language plpgsql as $$
begin
  perform set_config('holdline.tenant_id', p_tenant_id::text, true);
  update text_messages set attempt_until = null, unclear = p_unclear, updated_at = ledger_now(),
    provider_sid = coalesce(p_sid, provider_sid), error_code = p_code, reason = p_reason,
    status = case when status = 'sending' or p_status = 'sent' then p_status else status end
  where tenant_id = p_tenant_id and id = p_text_id and status in ('sending', 'replaced') and provider_sid is null;
  return true;
exception
  when unique_violation then return false;
end
$$;

-- What the provider tells of a message it accepted. Statuses come late, twice and in any order: only forward steps
-- count, the first end is the end. p_outcome: sent, delivered, failed (with p_reason), or later: it could not be
-- delivered for a reason that passes, so that a new one is sent, for a day.
-- Gives whether anything changed.
create function note_text_status(p_tenant_id uuid, p_text_id uuid, p_sid text, p_outcome text,
  p_reason text default null, p_code integer default null) returns boolean
  language plpgsql as $$
declare
  message text_messages;
  moment timestamptz;
begin
  perform set_config('holdline.tenant_id', p_tenant_id::text, true);
  select * into message from text_messages where tenant_id = p_tenant_id and id = p_text_id for update;
  moment := ledger_now();
  if not found or message.attempts = 0 or p_sid = any (message.past_sids)
    or message.provider_sid is distinct from p_sid and message.provider_sid is not null
    or message.provider_sid is null and message.status not in ('sending', 'replaced')
  then
    return false;
  end if;
  if message.provider_sid is null then
    -- The attempt that was accepted without our hearing of it.
    update text_messages set status = 'sent', provider_sid = p_sid, unclear = false, attempt_until = null,
      reason = null, error_code = null, updated_at = moment
    where id = message.id returning * into message;
    if p_outcome = 'sent' then
      return true;
    end if;
  end if;
  if message.status <> 'sent' or p_outcome = 'sent' then
    return false;
  end if;
  if p_outcome = 'later' and message.first_attempt_at > moment - interval '1 day' then
    update text_messages set status = 'recorded', provider_sid = null, past_sids = past_sids || p_sid,
      reason = p_reason, error_code = p_code, updated_at = moment
    where id = message.id;
    perform enqueue_job('send-text', jsonb_build_object('tenantId', p_tenant_id, 'textId', message.id),
      'text/' || message.appointment_id || '/' || message.wording, moment + interval '10 minutes' * (0.75 + random() / 2));
    return true;
  end if;
  update text_messages set status = case p_outcome when 'delivered' then 'delivered' else 'failed' end,
    reason = p_reason, error_code = p_code, updated_at = moment
  where id = message.id;
  return true;
exception
  when unique_violation then return false;
end
$$;

-- The appointment that whoever answers a text means: the one they were texted about last, of whichever organization.
-- Gives {tenant_id, appointment_id, language}, or null.
create function texted_appointment(p_number text) returns jsonb
  language sql stable security definer set search_path = public, pg_temp as $$
  select jsonb_build_object('tenant_id', tenant_id, 'appointment_id', appointment_id, 'language', language)
  from text_messages
  where number = p_number and provider_sid is not null and updated_at > now() - interval '60 days'
  order by updated_at desc limit 1
$$;
create policy directory on text_messages for select to holdline_directory using (true);
grant select on text_messages to holdline_directory;

-- How the queue stands, for whoever watches it.
create function queue_figures() returns jsonb
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
grant create on schema public to holdline_jobs;
alter function queue_figures() owner to holdline_jobs;
revoke create on schema public from holdline_jobs;
revoke all on function queue_figures() from public;
grant execute on function queue_figures() to holdline_app;

do $$
declare
  name text;
begin
  grant holdline_directory to current_user;
  grant create on schema public to holdline_directory;
  foreach name in array array['set_text_opt_out(text, boolean)', 'number_opted_out(text)', 'texted_appointment(text)']
  loop
    execute format('alter function %s owner to holdline_directory', name);
    execute format('revoke all on function %s from public', name);
    execute format('grant execute on function %s to holdline_app', name);
  end loop;
  revoke create on schema public from holdline_directory;
end
$$;

-- As before, and it tells what became of the text: queued, opted_out, limit, failed, or null without a number.
create or replace function confirm_booking(p_tenant_id uuid, p_call_sid text, p_version uuid, p_patient jsonb, p_text jsonb,
  p_turn bigint default null) returns jsonb
  language plpgsql as $$
declare
  call call_states;
  held available_slots;
  made appointments;
  moment timestamptz;
  promised text;
begin
  if superseded(p_tenant_id, p_call_sid, p_turn) then
    return jsonb_build_object('success', false, 'reason', 'superseded');
  end if;
  select * into call from call_states where tenant_id = p_tenant_id and call_sid = p_call_sid;
  -- The hold meant is the one whose version is presented: the call's latest, live or lapsed.
  if not found or call.hold_version is distinct from p_version then
    return jsonb_build_object('success', false, 'reason', 'no_hold');
  end if;

  update appointments set patient = patient || jsonb_strip_nulls(p_patient), updated_at = ledger_now()
  where tenant_id = p_tenant_id and call_sid = p_call_sid and hold_version = p_version and status = 'booked'
  returning * into made;
  if found then
    update call_states set patient_data = patient_data || jsonb_strip_nulls(p_patient)
    where tenant_id = p_tenant_id and call_sid = p_call_sid;
    promised := promise_text(made, p_text);
    return jsonb_build_object('success', true, 'appointment_id', made.id, 'slot_id', made.slot_id,
      'starts_at', made.starts_at, 'repeated', true, 'text', promised);
  end if;

  select * into held from available_slots where tenant_id = p_tenant_id and slot_id = call.slot_id;
  -- A booking made from this hold and given up since is not made again by an old yes.
  if not found or exists (
    select from appointments where tenant_id = p_tenant_id and call_sid = p_call_sid and hold_version = p_version
  ) then
    return jsonb_build_object('success', false, 'reason', 'no_hold');
  end if;
  perform lock_practitioners(array[held.practitioner_id]);
  moment := ledger_now();
  select * into held from available_slots where id = held.id;
  if not (held.status = 'reserved' and held.reserved_by = p_call_sid and held.expires_at > moment) then
    -- It lapsed. If nobody else wanted the time meanwhile, it is claimed again in passing.
    if held.status in ('booked', 'blocked') or held.starts_at <= moment or slot_in_use(held, p_call_sid, moment) then
      return jsonb_build_object('success', false, 'reason', 'no_hold');
    end if;
    held := take_slot(held, p_call_sid, moment);
    insert into call_history (tenant_id, call_sid, slot_id, cause)
    values (p_tenant_id, p_call_sid, held.slot_id, 'lapsed hold claimed again');
  end if;

  insert into appointments (tenant_id, practitioner_id, slot_id, starts_at, occupies, call_sid, hold_version, patient)
  values (p_tenant_id, held.practitioner_id, held.slot_id, held.starts_at, held.occupies, p_call_sid, p_version,
    call.patient_data || jsonb_strip_nulls(p_patient))
  returning * into made;
  update available_slots set status = 'booked', version = gen_random_uuid(),
    reserved_by = null, reserved_at = null, expires_at = null
  where id = held.id;
  -- A caller who says yes in the same breath, or another door, has not passed confirm_sms yet.
  update call_states set step = 'confirm_sms', cause = 'hold read back'
  where tenant_id = p_tenant_id and call_sid = p_call_sid and step in ('reserve', 'greeting', 'failed');
  update call_states set step = 'booked', cause = 'booking confirmed', expires_at = null, error_message = null,
    patient_data = made.patient
  where tenant_id = p_tenant_id and call_sid = p_call_sid;
  promised := promise_text(made, p_text);
  return jsonb_build_object('success', true, 'appointment_id', made.id, 'slot_id', made.slot_id,
    'starts_at', made.starts_at, 'repeated', false, 'text', promised);
end
$$;

-- As before, with the wishes to be called back.
create or replace function forget_person(p_tenant_id uuid, p_phone text) returns integer
  language plpgsql as $$
declare
  changed integer := 0;
  n integer;
begin
  perform set_config('holdline.tenant_id', p_tenant_id::text, true);
  delete from text_messages t using appointments a
  where t.tenant_id = p_tenant_id and a.id = t.appointment_id and (t.number = p_phone or a.patient ->> 'phone' = p_phone);
  get diagnostics n = row_count;
  changed := changed + n;
  delete from call_back_requests where tenant_id = p_tenant_id and number = p_phone;
  get diagnostics n = row_count;
  changed := changed + n;
  update call_states set patient_data = '{}', caller = null
  where tenant_id = p_tenant_id and (caller = p_phone or patient_data ->> 'phone' = p_phone
    or call_sid in (select call_sid from appointments where tenant_id = p_tenant_id and patient ->> 'phone' = p_phone));
  get diagnostics n = row_count;
  changed := changed + n;
  update appointments set patient = '{}', updated_at = ledger_now()
  where tenant_id = p_tenant_id and patient ->> 'phone' = p_phone;
  get diagnostics n = row_count;
  return changed + n;
end
$$;

create or replace function forget_expired(p_tenant_id uuid) returns integer
  language plpgsql as $$
declare
  horizon timestamptz;
  changed integer := 0;
  n integer;
begin
  perform set_config('holdline.tenant_id', p_tenant_id::text, true);
  select ledger_now() - make_interval(days => retention_days) into horizon from organizations where id = p_tenant_id;
  if horizon is null then
    return 0;
  end if;
  delete from text_messages where tenant_id = p_tenant_id and created_at < horizon;
  get diagnostics n = row_count;
  changed := changed + n;
  delete from call_back_requests where tenant_id = p_tenant_id and asked_at < horizon;
  get diagnostics n = row_count;
  changed := changed + n;
  update call_states set patient_data = '{}', caller = null
  where tenant_id = p_tenant_id and created_at < horizon and (patient_data <> '{}' or caller is not null);
  get diagnostics n = row_count;
  changed := changed + n;
  update appointments set patient = '{}' where tenant_id = p_tenant_id and starts_at < horizon and patient <> '{}';
  get diagnostics n = row_count;
  return changed + n;
end
$$;
