-- Open slots as the cache keeps them: with what ends their being right by itself, which is a hold that runs out.
-- Gives {slots: [[slot_id, version, starts_at, practitioner_id]], holds: [[from, to, ends_in]]}: instants in
-- milliseconds, and how long each live hold still has, because the asker's clock is another.
create function open_slots_with_holds(p_tenant_id uuid, p_from timestamptz, p_to timestamptz) returns jsonb
  language plpgsql as $$
declare
  moment timestamptz := ledger_now();
begin
  perform set_config('holdline.tenant_id', p_tenant_id::text, true);
  return jsonb_build_object(
    'slots', (
      select coalesce(jsonb_agg(jsonb_build_array(o.slot_id, o.version, milliseconds_since_1970(o.starts_at),
        o.practitioner_id) order by o.starts_at, o.slot_id), '[]')
      from open_slots(p_tenant_id, p_from, p_to) o),
    'holds', (
      select coalesce(jsonb_agg(jsonb_build_array(milliseconds_since_1970(s.starts_at),
        milliseconds_since_1970(upper(s.occupies)), milliseconds_of(s.expires_at - moment))), '[]')
      from available_slots s
      where s.tenant_id = p_tenant_id and s.status = 'reserved' and s.expires_at > moment
        and s.starts_at > p_from - interval '1 day' and s.starts_at < p_to));
end
$$;

create function milliseconds_since_1970(instant timestamptz) returns double precision
  language sql immutable return round(extract(epoch from instant) * 1000);

-- Tells every process to forget what it remembers of an organization's open slots, when this commits. For changes that
-- are nobody's call: a claim would wait here for every other commit.
create function announce_slots(p_tenant_id uuid) returns void
  language sql volatile
  begin atomic
    select pg_notify('holdline_slots', p_tenant_id::text);
  end;
