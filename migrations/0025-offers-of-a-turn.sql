-- As before (0006), and for a turn: one that a newer one has replaced writes no offers. The newer one did not find them
-- when it began, so that its own have the same numbers; what the caller was told last is what a number means.
drop function record_offers(uuid, text, integer, jsonb);
create function record_offers(p_tenant_id uuid, p_call_sid text, p_user_turns integer, p_offers jsonb,
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
  update call_states set step = 'check_avail', cause = 'times offered'
  where tenant_id = p_tenant_id and call_sid = p_call_sid;
end
$$;
