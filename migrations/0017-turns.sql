-- Turns of several calls in one round trip, and their records likewise.

-- Begins turns of calls that are known already, each exactly as begin_turn does it alone. What might wait, or must be
-- on disk before it is told, is not done here but given back as {"alone": true}: a call another operation is
-- working on, and a call nobody has heard of, which may take over the hold of an earlier one.
-- p_turns: [{tenantId, callSid, caller, userTurns, requestedAt}]; the answers stand in the same order.
create function begin_turns(p_turns jsonb) returns jsonb
  language plpgsql as $$
declare
  asked jsonb;
  answers jsonb[] := '{}';
begin
  for asked in select value from jsonb_array_elements(p_turns) with ordinality order by ordinality loop
    perform set_config('holdline.tenant_id', asked ->> 'tenantId', true);
    -- Trying never waits, so that no order of locks can be wrong.
    if pg_try_advisory_xact_lock(hashtextextended((asked ->> 'tenantId') || '/' || (asked ->> 'callSid'), 1))
      and exists (select from call_states
        where tenant_id = (asked ->> 'tenantId')::uuid and call_sid = asked ->> 'callSid')
    then
      answers := answers || begin_turn((asked ->> 'tenantId')::uuid, asked ->> 'callSid', asked ->> 'caller',
        (asked ->> 'userTurns')::integer, (asked ->> 'requestedAt')::timestamptz);
    else
      answers := answers || '{"alone": true}'::jsonb;
    end if;
  end loop;
  return to_jsonb(answers);
end
$$;

-- Keeps how long turns took: [{tenantId, callSid, number, firstWordMs, toolMs, tools}]. Losing these in a crash loses
-- nothing that was promised to anybody.
create function record_turns(p_turns jsonb) returns void
  language plpgsql as $$
declare
  told jsonb;
begin
  perform set_config('synchronous_commit', 'off', true);
  for told in select value from jsonb_array_elements(p_turns) loop
    perform set_config('holdline.tenant_id', told ->> 'tenantId', true);
    insert into call_turns (tenant_id, call_sid, number, first_word_ms, tool_ms, tools)
    values ((told ->> 'tenantId')::uuid, told ->> 'callSid', (told ->> 'number')::bigint,
      (told ->> 'firstWordMs')::real, (told ->> 'toolMs')::real,
      array(select jsonb_array_elements_text(told -> 'tools')))
    on conflict do nothing;
  end loop;
end
$$;
