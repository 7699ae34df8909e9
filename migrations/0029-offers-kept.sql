-- As before (0025), but offers whose numbers mean other slots by now are refused as a whole. Requests of one call that two
-- processes answer at once give the same numbers to different slots: the first to write has them, the other asks again.
create or replace function record_offers(p_tenant_id uuid, p_call_sid text, p_user_turns integer, p_offers jsonb,
  p_turn bigint default null) returns void
  language plpgsql as $$
declare
  moment timestamptz := ledger_now();
begin
  if superseded(p_tenant_id, p_call_sid, p_turn) then
    return;
  end if;
  insert into call_states (tenant_id, call_sid, cause) values (p_tenant_id, p_call_sid, 'call started')
    on conflict (tenant_id, call_sid) do nothing;
  -- One instant for all: the offers of one reading are those that share it.
  insert into call_offers (tenant_id, call_sid, number, slot_id, version, user_turns, offered_at)
  select p_tenant_id, p_call_sid, (o ->> 'number')::integer, o ->> 'slotId', (o ->> 'version')::uuid, p_user_turns,
    moment
  from jsonb_array_elements(p_offers) as o
  on conflict do nothing;
  if exists (
    select from jsonb_array_elements(p_offers) as o
    join call_offers c on c.tenant_id = p_tenant_id and c.call_sid = p_call_sid
      and c.number = (o ->> 'number')::integer and c.slot_id <> o ->> 'slotId')
  then
    raise exception 'another request of the call has offered under these numbers' using errcode = 'HL001';
  end if;
  update call_states set step = 'check_avail', cause = 'times offered'
  where tenant_id = p_tenant_id and call_sid = p_call_sid;
end
$$;
