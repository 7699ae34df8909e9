-- What the provider tells of a message counts once: its signature has no time in it, and an old one stays valid.

-- The provider's own word for how far a message has come, the last one it told.
alter table text_messages add column provider_status text;

-- How far along a provider's word is; nothing told yet is 0.
create function text_status_rank(p_status text) returns integer
  language sql immutable return coalesce(
    array_position(array['scheduled', 'accepted', 'queued', 'sending', 'sent', 'partially_delivered', 'delivered', 'read'],
      case when p_status in ('undelivered', 'failed', 'canceled') then 'delivered' else p_status end), 0);

-- What the provider tells of a message it accepted. Each (message, word) counts once and only forwards; the first end is
-- the end. p_status is the provider's word, p_outcome what it means: sent, delivered, failed (with p_reason), or later:
-- it could not be delivered for a reason that passes, so that a new one is sent, for a day.
-- Gives noted, or why nothing was changed: repeated (told before), late (it has come further, or to its end), unknown
-- (no message of that id was sent for this text).
drop function note_text_status(uuid, uuid, text, text, text, integer);
create function note_text_status(p_tenant_id uuid, p_text_id uuid, p_sid text, p_status text, p_outcome text,
  p_reason text default null, p_code integer default null) returns text
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
  if p_outcome = 'later' and message.first_attempt_at > moment - interval '1 day' then
    update text_messages set status = 'recorded', provider_sid = null, provider_status = null,
      past_sids = past_sids || p_sid, reason = p_reason, error_code = p_code, updated_at = moment
    where id = message.id;
    perform enqueue_job('send-text', jsonb_build_object('tenantId', p_tenant_id, 'textId', message.id),
      'text/' || message.appointment_id || '/' || message.wording, moment + interval '10 minutes' * (0.75 + random() / 2));
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
