-- What no statement can go around. A file whose name ends in "triggers" is applied after the functions.

-- Calls: where they may go, and the history of where they went.
create trigger legal_step before insert or update on call_states
  for each row execute function refuse_illegal_step();
create trigger history after insert or update on call_states
  for each row execute function write_call_history();
create trigger append_only before update or delete on call_history
  for each row execute function refuse_change();
create trigger append_only_whole before truncate on call_history
  for each statement execute function refuse_change();

-- Appointments: what becomes of one is told by text and in its practitioner's calendar.
create trigger text_about_ending after update of status on appointments for each row
  when (old.status = 'booked' and new.status <> 'booked') execute function text_about_ending();
create trigger text_about_move after insert on appointments for each row
  when (new.moved_from is not null) execute function text_about_move();
create trigger calendar_event after insert or update of status, patient on appointments
  for each row execute function promise_event();

-- Hours: slots follow them.
create trigger follow_hours after update of zone, schedule on organizations for each row
  when (new.zone <> old.zone or new.schedule <> old.schedule) execute function follow_hours();
create trigger follow_hours
  after insert or update of weekly, special_days, slot_minutes, grid_minutes, buffer_minutes, horizon_days
  on practitioners for each row execute function follow_hours();
create trigger compare_again after update of status on available_slots for each row
  when (new.withdrawn and new.status = 'available' and old.status in ('reserved', 'booked'))
  execute function compare_slots_again();

-- Calendars: a practitioner gets one, another one, or none any more.
create trigger calendar after insert or update of calendar_id on practitioners
  for each row execute function take_calendar();

-- What running processes keep in memory: they hear of changes.
do $$
declare
  name text;
begin
  foreach name in array array['organizations', 'practitioners', 'organization_addresses', 'organization_keys'] loop
    execute format('create trigger announce after insert or update or delete on %I
      for each statement execute function announce_directory()', name);
  end loop;
end
$$;
create trigger announce after insert on prompt_overrides
  for each row execute function announce_prompt_override();

-- The queue: when a job that failed is tried again.
create trigger holdline_back_off before update on graphile_worker._private_jobs for each row
  when (old.locked_at is not null and new.locked_at is null and new.attempts = old.attempts and new.run_at > now()
    and new.last_error is not null)
  execute function back_off();
