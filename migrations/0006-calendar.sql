-- Practitioners' calendars. What a caller meets of them are rows in here and in busy_times: Google is spoken to by jobs
-- alone.

-- What opens an organization's calendars, encrypted by the application (AES-256-GCM).
create table calendar_credentials (
  tenant_id uuid primary key references organizations,
  kind text not null check (kind in ('service-account', 'oauth')),
  sealed bytea not null,
  -- for people: whose they are
  account text not null,
  -- why they open nothing any more; somebody has to connect again
  problem text,
  connected_at timestamptz not null default ledger_now()
);

-- How far each calendar has been read.
create table calendar_syncs (
  practitioner_id uuid primary key,
  tenant_id uuid not null references organizations,
  calendar_id text not null,
  -- rises with each reading that is applied: of two at once the one that began with an older round is left out
  round bigint not null default 0,
  sync_token text,
  window_ends_at timestamptz,
  synced_at timestamptz,
  -- when the first reading was last asked for
  asked_at timestamptz,
  problem text,
  -- where Google tells us of changes
  channel_id text,
  channel_resource_id text,
  channel_expires_at timestamptz,
  -- When our own address has changed since, the channel is of no use any more.
  channel_address text,
  foreign key (tenant_id, practitioner_id) references practitioners (tenant_id, id)
);
create index calendar_syncs_tenant on calendar_syncs (tenant_id);

-- An appointment's event in its practitioner's calendar, under an id that is the appointment's own, so that making it
-- twice makes it once.
create table calendar_events (
  appointment_id uuid primary key references appointments,
  tenant_id uuid not null references organizations,
  practitioner_id uuid not null,
  calendar_id text not null,
  event_id text not null unique,
  -- rises with each change of the appointment; Google was told of it up to told_revision
  revision bigint not null default 1,
  told_revision bigint not null default 0,
  told_at timestamptz,
  -- of the words it was told last, so that what the clinic writes into the event stays
  told_words bytea,
  problem text,
  created_at timestamptz not null default ledger_now(),
  foreign key (tenant_id, practitioner_id) references practitioners (tenant_id, id)
);
create index calendar_events_untold on calendar_events (tenant_id, practitioner_id) where told_revision < revision;

-- Where calendar and ledger disagree about an appointment: only people can say what is to become of it.
-- overlap: an event of the clinic's own lies on it. moved, removed: its own event was changed by somebody.
create table calendar_conflicts (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references organizations,
  practitioner_id uuid not null,
  appointment_id uuid not null references appointments,
  event_id text not null,
  kind text not null check (kind in ('overlap', 'moved', 'removed')),
  -- of the event; unknown when it was removed
  starts_at timestamptz,
  ends_at timestamptz,
  noticed_at timestamptz not null default ledger_now(),
  reported_at timestamptz,
  resolved_at timestamptz,
  unique (appointment_id, event_id, kind)
);
create index calendar_conflicts_open on calendar_conflicts (tenant_id, practitioner_id) where resolved_at is null;

do $$
declare
  name text;
begin
  foreach name in array array['calendar_credentials', 'calendar_syncs', 'calendar_events', 'calendar_conflicts'] loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy own_rows on %I to holdline_app
      using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())', name);
    execute format('grant select, insert, update, delete on %I to holdline_app', name);
  end loop;
end
$$;
