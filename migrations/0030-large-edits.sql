-- An edit of hours compares thousands of slots with thousands that should be. The planner knows nothing yet of slots that
-- were just written, expects one of them, and compares each with each: an edit of a year took ten seconds, in which the
-- practitioner's claims waited and gave up. (node bench/fill-slots.ts 60: 10,504 ms before, 244 ms after)
alter function write_slots(uuid, jsonb) set enable_nestloop = off;
