-- As before, and whoever has a calendar read for the first time says when, so that a caller who asks for it waits for
-- that reading and does not have another one made.

create or replace function take_calendar() returns trigger
  language plpgsql as $$
declare
  connected boolean;
begin
  if tg_op = 'UPDATE' and new.calendar_id is not distinct from old.calendar_id then
    return null;
  end if;
  delete from calendar_syncs where practitioner_id = new.id;
  if new.calendar_id is null then
    delete from busy_times where practitioner_id = new.id and source = 'google';
    perform announce_slots(new.tenant_id);
    return null;
  end if;
  connected := exists (select from calendar_credentials where tenant_id = new.tenant_id);
  insert into calendar_syncs (practitioner_id, tenant_id, calendar_id, asked_at)
  values (new.id, new.tenant_id, new.calendar_id, case when connected then ledger_now() end);
  if connected then
    perform ask_for_sync(new.tenant_id, new.id);
  end if;
  return null;
end
$$;

create or replace function connect_calendars(p_tenant_id uuid, p_kind text, p_sealed bytea, p_account text)
  returns integer language plpgsql as $$
declare
  asked integer;
begin
  perform set_config('holdline.tenant_id', p_tenant_id::text, true);
  insert into calendar_credentials (tenant_id, kind, sealed, account)
  values (p_tenant_id, p_kind, p_sealed, p_account)
  on conflict (tenant_id) do update set kind = excluded.kind, sealed = excluded.sealed, account = excluded.account,
    problem = null, connected_at = now();
  update calendar_syncs set asked_at = ledger_now() where tenant_id = p_tenant_id;
  get diagnostics asked = row_count;
  perform ask_for_sync(p_tenant_id, practitioner_id) from calendar_syncs where tenant_id = p_tenant_id;
  return asked;
end
$$;
