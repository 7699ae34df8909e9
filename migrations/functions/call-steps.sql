-- Where a call may go, and the history of where it went. 0003-calls.sql has the table of allowed steps, and the
-- triggers are in 0007-triggers.sql: no statement can go around them.

-- Refuses a step that step_transitions does not have.
create or replace function refuse_illegal_step() returns trigger
  language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    if new.step <> 'greeting' then
      raise exception 'a call starts with greeting, not with %', new.step using errcode = 'check_violation';
    end if;
  elsif new.step <> old.step and not exists (
    select from step_transitions t where t.from_step = old.step and t.to_step = new.step
  ) then
    raise exception 'a call cannot go from % to %', old.step, new.step using errcode = 'check_violation';
  end if;
  new.updated_at := ledger_now();
  return new;
end
$$;

-- Writes each change of a call's step, or of the slot it is about, into the history, in the same transaction.
create or replace function write_call_history() returns trigger
  language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    insert into call_history (tenant_id, call_sid, from_step, to_step, slot_id, cause)
    values (new.tenant_id, new.call_sid, null, new.step, new.slot_id, new.cause);
  elsif new.step <> old.step or new.slot_id is distinct from old.slot_id
    -- The same slot held once more, after its hold had expired, is something that happened too.
    or (new.hold_version is not null and new.hold_version is distinct from old.hold_version) then
    insert into call_history (tenant_id, call_sid, from_step, to_step, slot_id, cause)
    values (new.tenant_id, new.call_sid, old.step, new.step, new.slot_id, new.cause);
  end if;
  return null;
end
$$;

-- The history is append-only.
create or replace function refuse_change() returns trigger
  language plpgsql as $$
begin
  raise exception 'call_history is append-only: % refused', tg_op using errcode = 'restrict_violation';
end
$$;
