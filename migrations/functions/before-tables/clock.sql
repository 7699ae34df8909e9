-- What time it is. Table defaults ask too, so these functions come before the tables.

-- The ledger's clock. Everything here that asks for the time asks this function, except the queue's own times
-- (functions/queue.sql says which and why). Tests replace it to move the clock.
-- clock_timestamp, not now(): a claim that waited for a lock must judge a hold's end by the time it got the lock.
create or replace function ledger_now() returns timestamptz
  language sql volatile return clock_timestamp();

-- An instant as JavaScript counts it.
create or replace function milliseconds_since_1970(instant timestamptz) returns double precision
  language sql immutable return round(extract(epoch from instant) * 1000);

-- A length as JavaScript counts it.
create or replace function milliseconds_of(length interval) returns double precision
  language sql immutable return round(extract(epoch from length) * 1000);
