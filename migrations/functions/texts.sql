-- Text messages: promised in the transaction of what they are about, sent by a job after it (text-sending.sql), once.

-- Promises a text message about an appointment. p_text: {number, wording, language}. It waits ten seconds, so that a
-- correction in the caller's next breath replaces it. With a confirmation or a move goes the reminder: a day before,
-- by the clinic's clock, if that is far enough away to remind of anything.
-- Whoever calls it has the call's lock. Returns queued, or why not: opted_out, limit, failed (this number was tried
-- and given up); null without a number.
create or replace function promise_text(about appointments, p_text jsonb) returns text
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

-- Why a number may not be texted about an appointment: opted_out, limit, or null when it may.
--   What a limit refuses is the text, never the appointment: somebody who has found a time and said yes has it, and
-- whoever fakes bookings to make the clinic pay for texts is stopped by the limits on holds. The booking is then made
-- with the text recorded as failed, reason limit, and the caller is told that none comes. A number corrected afterwards
-- and refused is the one answer that fails with limit, as nothing but the text was asked for.
--   Nothing is counted that is not limited, and nothing further than its limit.
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

-- Writes one text message and the job that sends it. Its identity is (appointment, number, wording): promised again it
-- is the same one. The job's key is (appointment, wording): a corrected number takes the place of the old one's job.
create or replace function write_text(about appointments, p_number text, p_wording text, p_language text, p_at timestamptz)
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

-- An appointment has ended: what was still to be said about it is not said, and whoever was told of it is told that it
-- is cancelled (of a move, text_about_move tells). Only a number that was promised a text about the appointment before is
-- told: whether the clinic texts to a number's country is decided there, and the number somebody merely called from
-- was not asked.
create or replace function text_about_ending() returns trigger
  language plpgsql as $$
declare
  told text_messages;
begin
  update text_messages set status = 'withdrawn', updated_at = ledger_now()
  where appointment_id = new.id and status = 'recorded';
  if new.status = 'cancelled' and new.starts_at > ledger_now() then
    told := text_address(new.id);
    perform promise_text(new, jsonb_build_object('number', told.number, 'wording', 'cancelled',
      'language', told.language));
  end if;
  return null;
end
$$;

-- An appointment has taken the place of another one: whoever was told of that one is told of the move.
create or replace function text_about_move() returns trigger
  language plpgsql as $$
declare
  told text_messages := text_address(new.moved_from);
begin
  perform promise_text(new, jsonb_build_object('number', told.number, 'wording', 'moved', 'language', told.language));
  return null;
end
$$;

-- Where the latest text about an appointment went, and in which language.
create or replace function text_address(p_appointment_id uuid) returns text_messages
  language sql stable as $$
  select * from text_messages
  where appointment_id = p_appointment_id and wording <> 'reminder' and status not in ('failed', 'replaced')
  order by created_at desc limit 1
$$;

-- The appointment that whoever answers a text means: the one they were texted about last, of whichever organization.
-- Returns {tenant_id, appointment_id, language}, or null.
create or replace function texted_appointment(p_number text) returns jsonb
  language sql volatile security definer set search_path = public, pg_temp as $$
  select jsonb_build_object('tenant_id', tenant_id, 'appointment_id', appointment_id, 'language', language)
  from text_messages
  where number = p_number and provider_sid is not null and updated_at > ledger_now() - interval '60 days'
  order by updated_at desc limit 1
$$;
select run_as('texted_appointment(text)', 'holdline_directory');

-- Notes that a number answered STOP, or START again.
create or replace function set_text_opt_out(p_number text, p_out boolean) returns void
  language plpgsql security definer set search_path = public, pg_temp as $$
begin
  if p_out then
    insert into text_opt_outs (number) values (p_number) on conflict (number) do nothing;
  else
    delete from text_opt_outs where number = p_number;
  end if;
end
$$;
select run_as('set_text_opt_out(text, boolean)', 'holdline_directory');

-- Whether a number answered STOP.
create or replace function number_opted_out(p_number text) returns boolean
  language sql stable security definer set search_path = public, pg_temp as $$
  select exists (select from text_opt_outs where number = p_number)
$$;
select run_as('number_opted_out(text)', 'holdline_directory');
