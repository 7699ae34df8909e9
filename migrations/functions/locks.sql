-- The two locks of the ledger, and the order they are taken in: the call first, then practitioners by key. Nobody
-- locks another call, or another call's row. Both locks end with the transaction.

-- One call's operations happen one after another, whichever processes they run in. Also says whose rows this
-- transaction works on, and how long it waits for any lock.
create or replace function lock_call(p_tenant_id uuid, p_call_sid text) returns void
  language sql volatile
  begin atomic
    -- A lock that is not to be had is a fault somebody must hear about within the caller's patience.
    select set_config('holdline.tenant_id', p_tenant_id::text, true), set_config('lock_timeout', '3s', true);
    select pg_advisory_xact_lock(hashtextextended(p_tenant_id::text || '/' || p_call_sid, 1));
  end;

-- The claims on one practitioner's time are decided one after another. Without this lock two overlapping claims that
-- each write and then meet the other's exclusion constraint would deadlock. All practitioners that a claim touches are
-- locked at once, in the order of their keys. Nulls are left out.
create or replace function lock_practitioners(p_ids uuid[]) returns void
  language plpgsql as $$
declare
  k bigint;
begin
  for k in select distinct hashtextextended(id::text, 2) from unnest(p_ids) as id where id is not null order by 1 loop
    perform pg_advisory_xact_lock(k);
  end loop;
end
$$;

-- Whether a newer request of the call has taken over from the turn p_turn: then the turn may change nothing any more.
-- Locks the call. A null turn is nobody's and is never superseded.
create or replace function superseded(p_tenant_id uuid, p_call_sid text, p_turn bigint) returns boolean
  language plpgsql as $$
begin
  perform lock_call(p_tenant_id, p_call_sid);
  return p_turn is not null and exists (
    select from call_states where tenant_id = p_tenant_id and call_sid = p_call_sid and turn > p_turn);
end
$$;
