-- What the job that sends a text asks and tells, and what the provider tells afterwards.

-- What a text is about, for whoever words it. Null when there is none.
create or replace function text_facts(p_tenant_id uuid, p_text_id uuid) returns jsonb
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
-- p_give_up_after counts from the first attempt; how long that and the lease are stands in src/jobs/text-retries.ts.
-- Locks the text's row. Returns {do: nothing}, {do: busy}, or {do: send, number, body, look, since, give_up}: look
-- whether an earlier attempt was accepted after `since`, and send otherwise, unless give_up says why not (withdrawn,
-- opted_out, expired).
create or replace function begin_text(p_tenant_id uuid, p_text_id uuid, p_body text, p_lease interval,
  p_give_up_after interval) returns jsonb
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
  elsif message.first_attempt_at < moment - p_give_up_after then
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
-- Returns false when that message is another text's.
create or replace function finish_text(p_tenant_id uuid, p_text_id uuid, p_status text, p_sid text default null,
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

-- What the provider tells of a message it accepted. Each (message, word) counts once and only forwards, because the
-- provider's signature has no time in it and an old one stays valid; the first end is the end. p_status is the
-- provider's word, p_outcome what it means: sent, delivered, failed (with p_reason), or later: it could not be
-- delivered for a reason that may pass, so that a new one is sent after p_again_after, unless p_give_up_after has
-- passed since the first attempt (src/jobs/text-retries.ts says how long both are). Locks the text's row.
-- Returns noted, or why nothing was changed: repeated (told before), late (it has come further, or to its end), unknown
-- (no message of that id was sent for this text).
create or replace function note_text_status(p_tenant_id uuid, p_text_id uuid, p_sid text, p_status text, p_outcome text,
  p_reason text default null, p_code integer default null, p_again_after interval default null,
  p_give_up_after interval default null) returns text
  language plpgsql as $$
declare
  message text_messages;
  told text;
  moment timestamptz;
begin
  perform set_config('holdline.tenant_id', p_tenant_id::text, true);
  select * into message from text_messages where tenant_id = p_tenant_id and id = p_text_id for update;
  moment := ledger_now();
  if not found or message.attempts = 0 then
    return 'unknown';
  end if;
  if p_sid = any (message.past_sids) then
    return 'late';
  end if;
  if message.provider_sid is distinct from p_sid
    and (message.provider_sid is not null or message.status not in ('sending', 'replaced'))
  then
    return 'unknown';
  end if;
  -- Of messages from before the words were kept, only their end is known.
  told := coalesce(message.provider_status, case when message.provider_sid is not null
    and message.status in ('delivered', 'failed') then message.status end);
  if told = p_status then
    return 'repeated';
  end if;
  if told in ('undelivered', 'failed', 'canceled') or text_status_rank(p_status) <= text_status_rank(told) then
    return 'late';
  end if;
  if message.provider_sid is null then
    -- The attempt that was accepted without our hearing of it.
    update text_messages set status = 'sent', provider_sid = p_sid, unclear = false, attempt_until = null,
      reason = null, error_code = null, provider_status = p_status, updated_at = moment
    where id = message.id returning * into message;
  else
    update text_messages set provider_status = p_status where id = message.id;
  end if;
  if p_outcome = 'sent' or message.status <> 'sent' then
    return 'noted';
  end if;
  if p_outcome = 'later' and message.first_attempt_at > moment - p_give_up_after then
    update text_messages set status = 'recorded', provider_sid = null, provider_status = null,
      past_sids = past_sids || p_sid, reason = p_reason, error_code = p_code, updated_at = moment
    where id = message.id;
    perform enqueue_job('send-text', jsonb_build_object('tenantId', p_tenant_id, 'textId', message.id),
      'text/' || message.appointment_id || '/' || message.wording, moment + p_again_after);
    return 'noted';
  end if;
  update text_messages set status = case p_outcome when 'delivered' then 'delivered' else 'failed' end,
    reason = p_reason, error_code = p_code, updated_at = moment
  where id = message.id;
  return 'noted';
exception
  -- That message is another text's.
  when unique_violation then return 'unknown';
end
$$;

-- How far along a provider's word is; nothing told yet is 0.
create or replace function text_status_rank(p_status text) returns integer
  language sql immutable return coalesce(
    array_position(array['scheduled', 'accepted', 'queued', 'sending', 'sent', 'partially_delivered', 'delivered', 'read'],
      case when p_status in ('undelivered', 'failed', 'canceled') then 'delivered' else p_status end), 0);
