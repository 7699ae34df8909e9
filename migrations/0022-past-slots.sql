-- Free slots of the past are nobody's: they go after some days, so that the ledger grows with what was booked and not
-- with what was open.

-- Removes an organization's slots that began more than p_kept_days ago and were never an appointment's, the oldest
-- first and at most p_limit of them, so that no statement is a long one. A hold that ended there ends as any other
-- does, with a line in its call's history. Booked and blocked slots stay, and so does one whose appointment was
-- cancelled or moved: the appointment's row refers to it.
-- Gives {removed, more: whether to ask again}.
create function forget_past_slots(p_tenant_id uuid, p_kept_days integer, p_limit integer) returns jsonb
  language plpgsql as $$
declare
  -- Each takes a lock until the end, and Postgres has room for some thousands.
  holds_max constant integer := least(p_limit, 500);
  moment timestamptz := ledger_now();
  horizon timestamptz := moment - make_interval(days => p_kept_days);
  stale record;
  seen integer := 0;
  freed integer := 0;
  removed integer;
begin
  perform set_config('holdline.tenant_id', p_tenant_id::text, true);
  for stale in
    select id, reserved_by, version from available_slots
    where tenant_id = p_tenant_id and status = 'reserved' and starts_at < horizon and expires_at <= moment
    order by starts_at limit holds_max
  loop
    seen := seen + 1;
    -- A past slot is in no claim's way: the hold's own call is the only one that may still give it up, and does so
    -- under this lock. A call that is doing something is left alone until tomorrow; nobody waits here for anybody.
    if pg_try_advisory_xact_lock(hashtextextended(p_tenant_id::text || '/' || stale.reserved_by, 1))
      and exists (select from available_slots where id = stale.id and version = stale.version)
    then
      perform free_slot(stale.id, 'hold expired');
      freed := freed + 1;
    end if;
  end loop;

  delete from available_slots s
  using (
    select f.id from available_slots f
    where f.tenant_id = p_tenant_id and f.status = 'available' and f.starts_at < horizon
      and not exists (select from appointments a where a.tenant_id = f.tenant_id and a.slot_id = f.slot_id)
    order by f.starts_at limit p_limit) as past
  where s.id = past.id and s.tenant_id = p_tenant_id;
  get diagnostics removed = row_count;
  return jsonb_build_object('removed', removed,
    'more', removed = p_limit or (seen = holds_max and freed > 0));
end
$$;
