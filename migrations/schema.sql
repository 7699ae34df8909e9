-- What the files in this folder make of an empty database. `npm run migrate -- --dump` writes this file, and a
-- test compares it. It is for reading and for comparing; nothing runs it.

extension btree_gist
role holdline_app nologin
role holdline_directory nologin
role holdline_jobs nologin granted to holdline_app
schema graphile_worker: usage to holdline_app
schema graphile_worker: usage to holdline_jobs
schema public: usage to holdline_app
schema public: usage to holdline_directory
schema public: usage to holdline_jobs

table appointments
  id uuid not null default gen_random_uuid()
  tenant_id uuid not null
  practitioner_id uuid not null
  slot_id text not null
  starts_at timestamp with time zone not null
  occupies tstzrange not null
  call_sid text not null
  hold_version uuid not null
  patient jsonb not null default '{}'::jsonb
  status text not null default 'booked'::text
  moved_from uuid
  created_at timestamp with time zone not null default ledger_now()
  updated_at timestamp with time zone not null default ledger_now()
  phone text generated as (patient ->> 'phone'::text)
  appointments_do_not_overlap EXCLUDE USING gist (practitioner_id WITH =, occupies WITH &&) WHERE ((status = 'booked'::text))
  appointments_moved_from_fkey FOREIGN KEY (moved_from) REFERENCES appointments(id)
  appointments_pkey PRIMARY KEY (id)
  appointments_status_check CHECK ((status = ANY (ARRAY['booked'::text, 'cancelled'::text, 'moved'::text])))
  appointments_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES organizations(id)
  appointments_tenant_id_practitioner_id_fkey FOREIGN KEY (tenant_id, practitioner_id) REFERENCES practitioners(tenant_id, id)
  appointments_tenant_id_slot_id_fkey FOREIGN KEY (tenant_id, slot_id) REFERENCES available_slots(tenant_id, slot_id)
  row security, forced
  CREATE INDEX appointments_call ON public.appointments USING btree (tenant_id, call_sid)
  CREATE INDEX appointments_past ON public.appointments USING btree (tenant_id, starts_at) WHERE (patient <> '{}'::jsonb)
  CREATE INDEX appointments_phone ON public.appointments USING btree (tenant_id, phone, starts_at)
  CREATE INDEX appointments_practitioner ON public.appointments USING btree (practitioner_id, starts_at) WHERE (status = 'booked'::text)
  CREATE INDEX appointments_slots ON public.appointments USING btree (tenant_id, slot_id)
  CREATE UNIQUE INDEX appointments_slot ON public.appointments USING btree (tenant_id, slot_id) WHERE (status = 'booked'::text)
  CREATE TRIGGER calendar_event AFTER INSERT OR UPDATE OF status, patient ON public.appointments FOR EACH ROW EXECUTE FUNCTION promise_event()
  CREATE TRIGGER text_about_ending AFTER UPDATE OF status ON public.appointments FOR EACH ROW WHEN (((old.status = 'booked'::text) AND (new.status <> 'booked'::text))) EXECUTE FUNCTION text_about_ending()
  CREATE TRIGGER text_about_move AFTER INSERT ON public.appointments FOR EACH ROW WHEN ((new.moved_from IS NOT NULL)) EXECUTE FUNCTION text_about_move()
  grant insert, select, update to holdline_app
  policy own_rows for all to holdline_app using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())

table available_slots
  id uuid not null default gen_random_uuid()
  tenant_id uuid not null
  practitioner_id uuid not null
  slot_id text not null
  starts_at timestamp with time zone not null
  during tstzrange not null
  occupies tstzrange not null
  status text not null default 'available'::text
  version uuid not null default gen_random_uuid()
  reserved_by text
  reserved_at timestamp with time zone
  expires_at timestamp with time zone
  created_at timestamp with time zone not null default ledger_now()
  withdrawn boolean not null default false
  available_slots_check CHECK (((lower(during) = starts_at) AND lower_inc(during) AND (NOT upper_inc(during))))
  available_slots_check1 CHECK (((occupies @> during) AND (lower(occupies) = starts_at)))
  available_slots_check2 CHECK (((status = 'reserved'::text) = ((reserved_by IS NOT NULL) AND (reserved_at IS NOT NULL) AND (expires_at IS NOT NULL))))
  available_slots_occupies_check CHECK (((upper(occupies) - lower(occupies)) <= '1 day'::interval))
  available_slots_pkey PRIMARY KEY (id)
  available_slots_status_check CHECK ((status = ANY (ARRAY['available'::text, 'reserved'::text, 'booked'::text, 'blocked'::text])))
  available_slots_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES organizations(id)
  available_slots_tenant_id_practitioner_id_fkey FOREIGN KEY (tenant_id, practitioner_id) REFERENCES practitioners(tenant_id, id)
  available_slots_tenant_id_slot_id_key UNIQUE (tenant_id, slot_id)
  claims_do_not_overlap EXCLUDE USING gist (practitioner_id WITH =, occupies WITH &&) WHERE ((status = ANY (ARRAY['reserved'::text, 'booked'::text])))
  row security, forced
  CREATE INDEX available_slots_claims ON public.available_slots USING btree (practitioner_id, starts_at) WHERE (status = ANY (ARRAY['reserved'::text, 'booked'::text]))
  CREATE INDEX available_slots_day ON public.available_slots USING btree (tenant_id, status, starts_at)
  CREATE INDEX available_slots_expiry ON public.available_slots USING btree (tenant_id, expires_at) WHERE (status = 'reserved'::text)
  CREATE UNIQUE INDEX available_slots_one_hold ON public.available_slots USING btree (tenant_id, reserved_by) WHERE (status = 'reserved'::text)
  CREATE TRIGGER compare_again AFTER UPDATE OF status ON public.available_slots FOR EACH ROW WHEN ((new.withdrawn AND (new.status = 'available'::text) AND (old.status = ANY (ARRAY['reserved'::text, 'booked'::text])))) EXECUTE FUNCTION compare_slots_again()
  grant delete, insert, select, update to holdline_app
  policy own_rows for all to holdline_app using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())

table busy_times
  id uuid not null default gen_random_uuid()
  tenant_id uuid not null
  practitioner_id uuid not null
  starts_at timestamp with time zone not null
  ends_at timestamp with time zone not null
  source text not null
  created_at timestamp with time zone not null default ledger_now()
  event_id text
  series_id text
  busy_times_check CHECK ((starts_at < ends_at))
  busy_times_pkey PRIMARY KEY (id)
  busy_times_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES organizations(id)
  busy_times_tenant_id_practitioner_id_fkey FOREIGN KEY (tenant_id, practitioner_id) REFERENCES practitioners(tenant_id, id)
  row security, forced
  CREATE INDEX busy_times_practitioner ON public.busy_times USING btree (practitioner_id, ends_at, starts_at)
  CREATE INDEX busy_times_series ON public.busy_times USING btree (practitioner_id, series_id) WHERE (series_id IS NOT NULL)
  CREATE UNIQUE INDEX busy_times_event ON public.busy_times USING btree (event_id, practitioner_id)
  grant delete, insert, select, update to holdline_app
  policy own_rows for all to holdline_app using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())

table calendar_conflicts
  id uuid not null default gen_random_uuid()
  tenant_id uuid not null
  practitioner_id uuid not null
  appointment_id uuid not null
  event_id text not null
  kind text not null
  starts_at timestamp with time zone
  ends_at timestamp with time zone
  noticed_at timestamp with time zone not null default ledger_now()
  reported_at timestamp with time zone
  resolved_at timestamp with time zone
  calendar_conflicts_appointment_id_event_id_kind_key UNIQUE (appointment_id, event_id, kind)
  calendar_conflicts_appointment_id_fkey FOREIGN KEY (appointment_id) REFERENCES appointments(id)
  calendar_conflicts_kind_check CHECK ((kind = ANY (ARRAY['overlap'::text, 'moved'::text, 'removed'::text])))
  calendar_conflicts_pkey PRIMARY KEY (id)
  calendar_conflicts_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES organizations(id)
  row security, forced
  CREATE INDEX calendar_conflicts_open ON public.calendar_conflicts USING btree (tenant_id, practitioner_id) WHERE (resolved_at IS NULL)
  grant delete, insert, select, update to holdline_app
  policy own_rows for all to holdline_app using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())

table calendar_credentials
  tenant_id uuid not null
  kind text not null
  sealed bytea not null
  account text not null
  problem text
  connected_at timestamp with time zone not null default ledger_now()
  calendar_credentials_kind_check CHECK ((kind = ANY (ARRAY['service-account'::text, 'oauth'::text])))
  calendar_credentials_pkey PRIMARY KEY (tenant_id)
  calendar_credentials_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES organizations(id)
  row security, forced
  grant delete, insert, select, update to holdline_app
  policy own_rows for all to holdline_app using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())

table calendar_events
  appointment_id uuid not null
  tenant_id uuid not null
  practitioner_id uuid not null
  calendar_id text not null
  event_id text not null
  revision bigint not null default 1
  told_revision bigint not null default 0
  told_at timestamp with time zone
  told_words bytea
  problem text
  created_at timestamp with time zone not null default ledger_now()
  calendar_events_appointment_id_fkey FOREIGN KEY (appointment_id) REFERENCES appointments(id)
  calendar_events_event_id_key UNIQUE (event_id)
  calendar_events_pkey PRIMARY KEY (appointment_id)
  calendar_events_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES organizations(id)
  calendar_events_tenant_id_practitioner_id_fkey FOREIGN KEY (tenant_id, practitioner_id) REFERENCES practitioners(tenant_id, id)
  row security, forced
  CREATE INDEX calendar_events_untold ON public.calendar_events USING btree (tenant_id, practitioner_id) WHERE (told_revision < revision)
  grant delete, insert, select, update to holdline_app
  policy own_rows for all to holdline_app using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())

table calendar_syncs
  practitioner_id uuid not null
  tenant_id uuid not null
  calendar_id text not null
  round bigint not null default 0
  sync_token text
  window_ends_at timestamp with time zone
  synced_at timestamp with time zone
  asked_at timestamp with time zone
  problem text
  channel_id text
  channel_resource_id text
  channel_expires_at timestamp with time zone
  channel_address text
  calendar_syncs_pkey PRIMARY KEY (practitioner_id)
  calendar_syncs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES organizations(id)
  calendar_syncs_tenant_id_practitioner_id_fkey FOREIGN KEY (tenant_id, practitioner_id) REFERENCES practitioners(tenant_id, id)
  row security, forced
  CREATE INDEX calendar_syncs_tenant ON public.calendar_syncs USING btree (tenant_id)
  grant delete, insert, select, update to holdline_app
  policy own_rows for all to holdline_app using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())

table call_back_requests
  id uuid not null default gen_random_uuid()
  tenant_id uuid not null
  number text not null
  appointment_id uuid
  asked_at timestamp with time zone not null default ledger_now()
  done_at timestamp with time zone
  call_back_requests_appointment_id_fkey FOREIGN KEY (appointment_id) REFERENCES appointments(id)
  call_back_requests_pkey PRIMARY KEY (id)
  call_back_requests_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES organizations(id)
  row security, forced
  CREATE UNIQUE INDEX call_back_requests_open ON public.call_back_requests USING btree (tenant_id, number) WHERE (done_at IS NULL)
  grant delete, insert, select, update to holdline_app
  policy own_rows for all to holdline_app using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())

table call_history
  id bigint not null identity
  tenant_id uuid not null
  call_sid text not null
  from_step text
  to_step text
  slot_id text
  cause text not null
  at timestamp with time zone not null default ledger_now()
  call_history_pkey PRIMARY KEY (id)
  call_history_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES organizations(id)
  row security, forced
  CREATE INDEX call_history_call ON public.call_history USING btree (tenant_id, call_sid, id)
  CREATE TRIGGER append_only BEFORE DELETE OR UPDATE ON public.call_history FOR EACH ROW EXECUTE FUNCTION refuse_change()
  CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON public.call_history FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
  grant insert, select to holdline_app
  policy own_rows for all to holdline_app using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())

table call_offers
  tenant_id uuid not null
  call_sid text not null
  number integer not null
  slot_id text not null
  version uuid not null
  user_turns integer
  offered_at timestamp with time zone not null default ledger_now()
  call_offers_number_check CHECK ((number > 0))
  call_offers_pkey PRIMARY KEY (tenant_id, call_sid, number)
  call_offers_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES organizations(id)
  row security, forced
  grant insert, select to holdline_app
  policy own_rows for all to holdline_app using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())

table call_states
  id uuid not null default gen_random_uuid()
  tenant_id uuid not null
  call_sid text not null
  step text not null default 'greeting'::text
  slot_id text
  hold_version uuid
  hold_user_turns integer
  expires_at timestamp with time zone
  patient_data jsonb not null default '{}'::jsonb
  caller text
  turn bigint not null default 0
  user_turns integer
  cause text not null
  error_message text
  adopted_from text
  found_appointments uuid[] not null default '{}'::uuid[]
  found_user_turns integer
  ended_at timestamp with time zone
  created_at timestamp with time zone not null default ledger_now()
  updated_at timestamp with time zone not null default ledger_now()
  requested_at timestamp with time zone
  turn_began_at timestamp with time zone
  warned_version uuid
  extended_version uuid
  call_states_call_sid_check CHECK (((length(call_sid) >= 1) AND (length(call_sid) <= 200)))
  call_states_pkey PRIMARY KEY (id)
  call_states_step_check CHECK ((step = ANY (ARRAY['greeting'::text, 'check_avail'::text, 'reserve'::text, 'confirm_sms'::text, 'booked'::text, 'failed'::text])))
  call_states_tenant_id_call_sid_key UNIQUE (tenant_id, call_sid)
  call_states_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES organizations(id)
  row security, forced
  CREATE INDEX call_states_caller ON public.call_states USING btree (tenant_id, caller) WHERE (caller IS NOT NULL)
  CREATE INDEX call_states_expiry ON public.call_states USING btree (tenant_id, expires_at)
  CREATE INDEX call_states_latest ON public.call_states USING btree (tenant_id, created_at, id)
  CREATE TRIGGER history AFTER INSERT OR UPDATE ON public.call_states FOR EACH ROW EXECUTE FUNCTION write_call_history()
  CREATE TRIGGER legal_step BEFORE INSERT OR UPDATE ON public.call_states FOR EACH ROW EXECUTE FUNCTION refuse_illegal_step()
  grant insert, select, update to holdline_app
  policy own_rows for all to holdline_app using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())

table call_turns
  tenant_id uuid not null
  call_sid text not null
  number bigint not null
  first_word_ms real
  tool_ms real
  tools text[] not null default '{}'::text[]
  at timestamp with time zone not null default ledger_now()
  call_turns_pkey PRIMARY KEY (tenant_id, call_sid, number)
  call_turns_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES organizations(id)
  row security, forced
  CREATE INDEX call_turns_latest ON public.call_turns USING btree (tenant_id, at)
  grant insert, select, update to holdline_app
  policy own_rows for all to holdline_app using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())

table console_record
  id bigint not null identity
  tenant_id uuid not null
  who text not null
  action text not null
  about text not null
  at timestamp with time zone not null default ledger_now()
  console_record_pkey PRIMARY KEY (id)
  console_record_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES organizations(id)
  row security, forced
  CREATE INDEX console_record_latest ON public.console_record USING btree (tenant_id, id)
  grant insert, select to holdline_app
  policy own_rows for all to holdline_app using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())

table job_runners
  id text not null
  seen_at timestamp with time zone not null
  job_runners_pkey PRIMARY KEY (id)
  grant delete, insert, select, update to holdline_jobs

table organization_addresses
  tenant_id uuid not null
  kind text not null
  value text not null
  organization_addresses_kind_check CHECK ((kind = ANY (ARRAY['assistant'::text, 'phone-number'::text, 'dialled'::text])))
  organization_addresses_pkey PRIMARY KEY (kind, value)
  organization_addresses_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES organizations(id)
  row security, forced
  CREATE INDEX organization_addresses_tenant ON public.organization_addresses USING btree (tenant_id)
  CREATE TRIGGER announce AFTER INSERT OR DELETE OR UPDATE ON public.organization_addresses FOR EACH STATEMENT EXECUTE FUNCTION announce_directory()
  grant delete, insert, select, update to holdline_app
  grant select to holdline_directory
  policy directory for select to holdline_directory using true
  policy own_rows for all to holdline_app using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())

table organization_keys
  id uuid not null default gen_random_uuid()
  tenant_id uuid not null
  hash bytea not null
  label text not null
  created_at timestamp with time zone not null default ledger_now()
  revoked_at timestamp with time zone
  role text not null default 'edit'::text
  organization_keys_hash_key UNIQUE (hash)
  organization_keys_pkey PRIMARY KEY (id)
  organization_keys_role_check CHECK ((role = ANY (ARRAY['see'::text, 'edit'::text])))
  organization_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES organizations(id)
  row security, forced
  CREATE INDEX organization_keys_tenant ON public.organization_keys USING btree (tenant_id)
  CREATE TRIGGER announce AFTER INSERT OR DELETE OR UPDATE ON public.organization_keys FOR EACH STATEMENT EXECUTE FUNCTION announce_directory()
  grant delete, insert, select, update to holdline_app
  grant select to holdline_directory
  policy directory for select to holdline_directory using true
  policy own_rows for all to holdline_app using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())

table organizations
  id uuid not null default gen_random_uuid()
  key text not null
  name text not null
  zone text not null default 'America/New_York'::text
  country text not null default 'US'::text
  languages text[] not null default '{en}'::text[]
  receptionist_name text not null default 'Robin'::text
  human_number text
  vapi_prompt text not null default 'append'::text
  release_on_hang_up boolean not null default false
  schedule jsonb not null default '{}'::jsonb
  holds_per_call_max integer default 20
  holds_per_number_and_day_max integer default 30
  live_holds_max integer default 100
  retention_days integer default 365
  created_at timestamp with time zone not null default ledger_now()
  model text not null default 'holdline'::text
  texts_per_call_max integer default 6
  texts_per_number_and_day_max integer default 10
  texts_per_day_max integer default 1000
  text_countries text[]
  socket_addresses text[] not null default '{}'::text[]
  organizations_country_check CHECK ((country ~ '^[A-Z]{2}$'::text))
  organizations_key_check CHECK ((key ~ '^[a-z0-9][a-z0-9-]{0,62}$'::text))
  organizations_key_key UNIQUE (key)
  organizations_languages_check CHECK ((cardinality(languages) > 0))
  organizations_model_check CHECK ((model = ANY (ARRAY['holdline'::text, 'platform'::text])))
  organizations_pkey PRIMARY KEY (id)
  organizations_retention_days_check CHECK ((retention_days > 0))
  organizations_socket_addresses_check CHECK ((array_to_string(socket_addresses, ','::text) ~ '^[0-9A-Fa-f:./,]*$'::text))
  organizations_text_countries_check CHECK ((array_to_string(text_countries, ','::text) ~ '^([A-Z]{2}(,[A-Z]{2})*)?$'::text))
  organizations_texts_per_call_max_check CHECK ((texts_per_call_max >= 0))
  organizations_texts_per_day_max_check CHECK ((texts_per_day_max >= 0))
  organizations_texts_per_number_and_day_max_check CHECK ((texts_per_number_and_day_max >= 0))
  organizations_vapi_prompt_check CHECK ((vapi_prompt = ANY (ARRAY['append'::text, 'ignore'::text])))
  row security, forced
  CREATE TRIGGER announce AFTER INSERT OR DELETE OR UPDATE ON public.organizations FOR EACH STATEMENT EXECUTE FUNCTION announce_directory()
  CREATE TRIGGER follow_hours AFTER UPDATE OF zone, schedule ON public.organizations FOR EACH ROW WHEN (((new.zone <> old.zone) OR (new.schedule <> old.schedule))) EXECUTE FUNCTION follow_hours()
  grant insert, select, update to holdline_app
  grant select to holdline_directory
  policy directory for select to holdline_directory using true
  policy own_rows for all to holdline_app using (id = current_tenant()) with check (id = current_tenant())

table practitioners
  id uuid not null default gen_random_uuid()
  tenant_id uuid not null
  key text not null
  name text not null
  spoken_name text not null
  weekly jsonb
  created_at timestamp with time zone not null default ledger_now()
  special_days jsonb not null default '[]'::jsonb
  slot_minutes integer
  grid_minutes integer
  buffer_minutes integer
  minimum_notice_minutes integer
  horizon_days integer
  calendar_id text
  practitioners_buffer_minutes_check CHECK ((buffer_minutes >= 0))
  practitioners_calendar_id_check CHECK (((length(calendar_id) >= 1) AND (length(calendar_id) <= 320)))
  practitioners_grid_minutes_check CHECK ((grid_minutes > 0))
  practitioners_horizon_days_check CHECK ((horizon_days > 0))
  practitioners_key_check CHECK ((key ~ '^[a-z0-9][a-z0-9-]{0,62}$'::text))
  practitioners_minimum_notice_minutes_check CHECK ((minimum_notice_minutes >= 0))
  practitioners_pkey PRIMARY KEY (id)
  practitioners_slot_minutes_check CHECK ((slot_minutes > 0))
  practitioners_special_days_check CHECK ((jsonb_typeof(special_days) = 'array'::text))
  practitioners_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES organizations(id)
  practitioners_tenant_id_id_key UNIQUE (tenant_id, id)
  practitioners_tenant_id_key_key UNIQUE (tenant_id, key)
  row security, forced
  CREATE TRIGGER announce AFTER INSERT OR DELETE OR UPDATE ON public.practitioners FOR EACH STATEMENT EXECUTE FUNCTION announce_directory()
  CREATE TRIGGER calendar AFTER INSERT OR UPDATE OF calendar_id ON public.practitioners FOR EACH ROW EXECUTE FUNCTION take_calendar()
  CREATE TRIGGER follow_hours AFTER INSERT OR UPDATE OF weekly, special_days, slot_minutes, grid_minutes, buffer_minutes, horizon_days ON public.practitioners FOR EACH ROW EXECUTE FUNCTION follow_hours()
  grant insert, select, update to holdline_app
  grant select to holdline_directory
  policy directory for select to holdline_directory using true
  policy own_rows for all to holdline_app using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())

table prompt_overrides
  tenant_id uuid not null
  name text not null
  version integer not null
  text text
  author text not null
  note text not null default ''::text
  created_at timestamp with time zone not null default ledger_now()
  prompt_overrides_author_check CHECK (((length(author) >= 1) AND (length(author) <= 200)))
  prompt_overrides_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200)))
  prompt_overrides_note_check CHECK ((length(note) <= 2000))
  prompt_overrides_pkey PRIMARY KEY (tenant_id, name, version)
  prompt_overrides_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES organizations(id)
  prompt_overrides_text_check CHECK (((length(text) >= 1) AND (length(text) <= 50000)))
  prompt_overrides_version_check CHECK ((version > 0))
  row security, forced
  CREATE TRIGGER announce AFTER INSERT ON public.prompt_overrides FOR EACH ROW EXECUTE FUNCTION announce_prompt_override()
  grant insert, select to holdline_app
  grant select to holdline_directory
  policy directory for select to holdline_directory using true
  policy own_rows for all to holdline_app using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())

table schema_functions
  name text not null
  checksum text not null
  release text not null
  applied_at timestamp with time zone not null default now()
  schema_functions_pkey PRIMARY KEY (name)
  grant select to public

table schema_migrations
  number integer not null
  name text not null
  checksum text not null
  applied_at timestamp with time zone not null default now()
  schema_migrations_pkey PRIMARY KEY (number)
  grant select to public

table slot_fills
  practitioner_id uuid not null
  tenant_id uuid not null
  rules text not null
  filled_to date not null
  slot_fills_pkey PRIMARY KEY (practitioner_id)
  slot_fills_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES organizations(id)
  slot_fills_tenant_id_practitioner_id_fkey FOREIGN KEY (tenant_id, practitioner_id) REFERENCES practitioners(tenant_id, id)
  row security, forced
  CREATE INDEX slot_fills_tenant ON public.slot_fills USING btree (tenant_id)
  grant delete, insert, select, update to holdline_app
  grant select to holdline_directory
  policy directory for select to holdline_directory using true
  policy own_rows for all to holdline_app using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())

table step_transitions
  from_step text not null
  to_step text not null
  step_transitions_pkey PRIMARY KEY (from_step, to_step)
  grant select to holdline_app

table text_messages
  id uuid not null default gen_random_uuid()
  tenant_id uuid not null
  appointment_id uuid not null
  number text not null
  wording text not null
  language text not null
  status text not null default 'recorded'::text
  send_after timestamp with time zone not null
  created_at timestamp with time zone not null default ledger_now()
  reason text
  error_code integer
  attempts integer not null default 0
  attempt_until timestamp with time zone
  first_attempt_at timestamp with time zone
  unclear boolean not null default false
  body text
  provider_sid text
  past_sids text[] not null default '{}'::text[]
  updated_at timestamp with time zone not null default ledger_now()
  provider_status text
  text_messages_appointment_id_fkey FOREIGN KEY (appointment_id) REFERENCES appointments(id)
  text_messages_appointment_id_number_wording_key UNIQUE (appointment_id, number, wording)
  text_messages_pkey PRIMARY KEY (id)
  text_messages_status_check CHECK ((status = ANY (ARRAY['recorded'::text, 'sending'::text, 'sent'::text, 'delivered'::text, 'failed'::text, 'replaced'::text, 'withdrawn'::text])))
  text_messages_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES organizations(id)
  row security, forced
  CREATE INDEX text_messages_number ON public.text_messages USING btree (tenant_id, number, created_at)
  CREATE INDEX text_messages_replies ON public.text_messages USING btree (number, updated_at) WHERE (provider_sid IS NOT NULL)
  CREATE INDEX text_messages_tenant ON public.text_messages USING btree (tenant_id, created_at)
  CREATE UNIQUE INDEX text_messages_sid ON public.text_messages USING btree (provider_sid) WHERE (provider_sid IS NOT NULL)
  grant delete, insert, select, update to holdline_app
  grant select to holdline_directory
  policy directory for select to holdline_directory using true
  policy own_rows for all to holdline_app using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())

table text_opt_outs
  number text not null
  since timestamp with time zone not null default ledger_now()
  text_opt_outs_pkey PRIMARY KEY (number)
  grant delete, insert, select to holdline_directory

table text_replies
  provider_sid text not null
  at timestamp with time zone not null default ledger_now()
  text_replies_pkey PRIMARY KEY (provider_sid)
  grant delete, insert, select to holdline_app

table graphile_worker._private_job_queues
  grant delete, insert, select, update to holdline_jobs
  policy holdline_jobs for all to holdline_jobs using true with check true

table graphile_worker._private_jobs
  CREATE INDEX holdline_jobs_begun ON graphile_worker._private_jobs USING btree (((payload ->> 'tenantId'::text))) WHERE ((locked_at IS NOT NULL) OR (attempts > 0))
  CREATE INDEX holdline_jobs_waiting ON graphile_worker._private_jobs USING btree (((payload ->> 'tenantId'::text))) WHERE ((locked_at IS NULL) AND (attempts = 0))
  CREATE TRIGGER holdline_back_off BEFORE UPDATE ON graphile_worker._private_jobs FOR EACH ROW WHEN (((old.locked_at IS NOT NULL) AND (new.locked_at IS NULL) AND (new.attempts = old.attempts) AND (new.run_at > now()) AND (new.last_error IS NOT NULL))) EXECUTE FUNCTION back_off()
  grant delete, insert, select, update to holdline_jobs
  policy holdline_jobs for all to holdline_jobs using true with check true

table graphile_worker._private_known_crontabs
  grant delete, insert, select, update to holdline_jobs
  policy holdline_jobs for all to holdline_jobs using true with check true

table graphile_worker._private_tasks
  grant delete, insert, select, update to holdline_jobs
  policy holdline_jobs for all to holdline_jobs using true with check true

sequence graphile_worker.job_queues_id_seq
  grant select, usage to holdline_jobs

sequence graphile_worker.jobs_id_seq1
  grant select, usage to holdline_jobs

table graphile_worker.migrations
  grant delete, insert, select, update to holdline_jobs
  grant select to holdline_app

sequence graphile_worker.tasks_id_seq
  grant select, usage to holdline_jobs

function accept_adopted_hold(p_tenant_id uuid, p_call_sid text, p_name text) returns jsonb
  plpgsql, volatile, body 45d2ab8608a0

function adopt_hold(p_tenant_id uuid, p_call_sid text, p_caller text) returns boolean
  plpgsql, volatile, body 884fc133df00

function announce_directory() returns trigger
  plpgsql, volatile, body 56eb8f1cc536

function announce_prompt_override() returns trigger
  plpgsql, volatile, body 094ece7da104

function announce_slots(p_tenant_id uuid) returns void
  sql, volatile, body f685265cb44c

function apply_reading_part(p_tenant_id uuid, p_practitioner_id uuid, p_round bigint, p_events jsonb) returns jsonb
  plpgsql, volatile, set enable_seqscan=off, body ad220ddd7acd

function ask_after_reading(p_tenant_id uuid, p_practitioner_id uuid, p_calendar_id text, p_whole boolean) returns void
  plpgsql, volatile, body 400f61f01434

function ask_for_event(p_tenant_id uuid, p_appointment_id uuid) returns void
  plpgsql, volatile, body f281cb6931b9

function ask_for_report(p_tenant_id uuid, p_conflict_id uuid) returns void
  plpgsql, volatile, body 0bbeac018cf6

function ask_for_reports(p_tenant_id uuid, p_practitioner_id uuid, p_appointment_id uuid) returns void
  plpgsql, volatile, body 360fd6749c18

function ask_for_sync(p_tenant_id uuid, p_practitioner_id uuid) returns void
  plpgsql, volatile, body 72850980d7f0

function back_off() returns trigger
  plpgsql, volatile, set search_path=public, pg_temp, body bb20c0568d19

function begin_reading(p_tenant_id uuid, p_practitioner_id uuid, p_calendar_id text, p_round bigint) returns bigint
  plpgsql, volatile, body 570d75fd487b

function begin_text(p_tenant_id uuid, p_text_id uuid, p_body text, p_lease interval, p_give_up_after interval) returns jsonb
  plpgsql, volatile, body d921c865790e

function begin_turn(p_tenant_id uuid, p_call_sid text, p_caller text, p_user_turns integer, p_requested_at timestamp with time zone DEFAULT NULL::timestamp with time zone) returns jsonb
  plpgsql, volatile, body 3f25b2c0b804

function begin_turns(p_turns jsonb) returns jsonb
  plpgsql, volatile, body 0393de8aaad4

function calendar_event_id(p_appointment_id uuid) returns text
  sql, immutable, body 68bded811c15

function call_is_live(call call_states) returns boolean
  sql, volatile, body e60c181ce487

function call_snapshot(call call_states) returns jsonb
  sql, volatile, body 8f0d6bbe6071

function cancel_appointment(p_tenant_id uuid, p_appointment_id uuid, p_call_sid text) returns jsonb
  plpgsql, volatile, body 2de28996d2c4

function claim_slot_atomic(p_tenant_id uuid, p_slot_id text, p_call_sid text, p_version uuid) returns jsonb
  plpgsql, volatile, body 32552d0ffcaa

function claim_slot_in_turn(p_tenant_id uuid, p_slot_id text, p_call_sid text, p_version uuid, p_turn bigint) returns jsonb
  plpgsql, volatile, body aafbcd6d5ecd

function claims_on_withdrawn_slots(p_tenant_id uuid) returns TABLE(slot_id text, practitioner_id uuid, starts_at timestamp with time zone, ends_at timestamp with time zone, status text)
  plpgsql, volatile, body 8a9cbfa4596c

function compare_slots_again() returns trigger
  plpgsql, volatile, body a1576b37bfe5

function confirm_booking(p_tenant_id uuid, p_call_sid text, p_version uuid, p_patient jsonb, p_text jsonb, p_turn bigint DEFAULT NULL::bigint) returns jsonb
  plpgsql, volatile, body 561fdad145d7

function conflict_lasts(c calendar_conflicts) returns boolean
  plpgsql, stable, body 2266814a88b2

function connect_calendars(p_tenant_id uuid, p_kind text, p_sealed bytea, p_account text) returns integer
  plpgsql, volatile, body fb2f91f51740

function count_jobs(p_tenant_id uuid) returns jsonb
  plpgsql, stable, security definer, set search_path=public, pg_temp, body 0b48e60fb8bd
  owner holdline_jobs
  execute to holdline_app

function current_tenant() returns uuid
  sql, stable, parallel safe, body b12d87f58718

function end_call(p_tenant_id uuid, p_call_sid text, p_release boolean, p_fault text DEFAULT NULL::text) returns jsonb
  plpgsql, volatile, body 2c42bccec185

function enqueue_job(p_task text, p_payload jsonb, p_job_key text DEFAULT NULL::text, p_run_at timestamp with time zone DEFAULT NULL::timestamp with time zone) returns void
  plpgsql, volatile, security definer, set search_path=public, pg_temp, body 11a1860e0c4b
  owner holdline_jobs
  execute to holdline_app

function finish_reading(p_tenant_id uuid, p_reading jsonb) returns boolean
  plpgsql, volatile, body a4e9b1978c8d

function finish_text(p_tenant_id uuid, p_text_id uuid, p_status text, p_sid text DEFAULT NULL::text, p_reason text DEFAULT NULL::text, p_code integer DEFAULT NULL::integer, p_unclear boolean DEFAULT false) returns boolean
  plpgsql, volatile, body 84832825822f

function follow_hours() returns trigger
  plpgsql, volatile, body 05972891355f

function forget_expired(p_tenant_id uuid) returns integer
  plpgsql, volatile, body b852211c9170

function forget_failed_jobs(p_before timestamp with time zone) returns integer
  sql, volatile, security definer, set search_path=public, pg_temp, body 31d1274f9a7b
  owner holdline_jobs
  execute to holdline_app

function forget_past_slots(p_tenant_id uuid, p_kept_days integer, p_limit integer) returns jsonb
  plpgsql, volatile, body 26fd2710f56f

function forget_person(p_tenant_id uuid, p_phone text) returns integer
  plpgsql, volatile, body f0bad837f47d

function free_slot(p_id uuid, p_cause text) returns void
  plpgsql, volatile, body 143c06f4b0ed

function hold_in_last_minute(p_tenant_id uuid, p_call_sid text, p_version uuid) returns jsonb
  plpgsql, volatile, body d846cba89871

function hold_lifetime() returns interval
  sql, immutable, body 0753b5b6ee07

function hold_limit(p_tenant_id uuid, p_call_sid text, p_now timestamp with time zone) returns text
  plpgsql, stable, body 7df04030fb2f

function leave_appointment(gone appointments, p_status text, p_call_sid text) returns void
  plpgsql, volatile, body 79c0461ae0a7

function leave_jobs(p_runner text) returns void
  plpgsql, volatile, security definer, set search_path=public, pg_temp, body e25761ea27bf
  owner holdline_jobs
  execute to holdline_app

function ledger_now() returns timestamp with time zone
  sql, volatile, body 94fc2f526401

function list_jobs() returns SETOF jsonb
  sql, stable, security definer, set search_path=public, pg_temp, body 61014958b6b7
  owner holdline_jobs
  execute to holdline_app

function lock_call(p_tenant_id uuid, p_call_sid text) returns void
  sql, volatile, body e8314d555f4e

function lock_practitioners(p_ids uuid[]) returns void
  plpgsql, volatile, body 392869fd9822

function milliseconds_of(length interval) returns double precision
  sql, immutable, body 60e8e3661775

function milliseconds_since_1970(instant timestamp with time zone) returns double precision
  sql, immutable, body 264bc5c1edc8

function move_appointment(p_tenant_id uuid, p_appointment_id uuid, p_slot_id text, p_version uuid, p_call_sid text) returns jsonb
  plpgsql, volatile, body 1a4c3a8a8e19

function note_changed_events(p_tenant_id uuid, p_reading jsonb) returns void
  plpgsql, volatile, body fbb0e219aef7

function note_conflicts(p_tenant_id uuid, p_practitioner_id uuid, p_appointments uuid[], p_events text[]) returns void
  plpgsql, volatile, set enable_seqscan=off, body cc8b4608c0ba

function note_overlap(a appointments, b busy_times) returns void
  plpgsql, volatile, body 2d7868afe273

function note_text_status(p_tenant_id uuid, p_text_id uuid, p_sid text, p_status text, p_outcome text, p_reason text DEFAULT NULL::text, p_code integer DEFAULT NULL::integer, p_again_after interval DEFAULT NULL::interval, p_give_up_after interval DEFAULT NULL::interval) returns text
  plpgsql, volatile, body 35d3942bb587

function number_opted_out(p_number text) returns boolean
  sql, stable, security definer, set search_path=public, pg_temp, body 350cd63352ca
  owner holdline_directory
  execute to holdline_app

function open_slots(p_tenant_id uuid, p_from timestamp with time zone, p_to timestamp with time zone) returns TABLE(slot_id text, version uuid, starts_at timestamp with time zone, practitioner_id uuid)
  plpgsql, volatile, body 3e5b5137dc98

function open_slots_with_holds(p_tenant_id uuid, p_from timestamp with time zone, p_to timestamp with time zone) returns jsonb
  plpgsql, volatile, body 1800de496db4

function organization_directory() returns SETOF jsonb
  sql, stable, security definer, set search_path=public, pg_temp, body c4dc2f22a289
  owner holdline_directory
  execute to holdline_app

function page_jobs(p_tenant_id uuid, p_state text, p_limit integer) returns SETOF jsonb
  sql, stable, security definer, set search_path=public, pg_temp, body 391501b352a4
  owner holdline_jobs
  execute to holdline_app

function promise_event() returns trigger
  plpgsql, volatile, body fe89542fd384

function promise_text(about appointments, p_text jsonb) returns text
  plpgsql, volatile, body 73efefe6f2ec

function prompt_override_count() returns bigint
  sql, stable, security definer, set search_path=public, pg_temp, body 74ef58b4a263
  owner holdline_directory
  execute to holdline_app

function prompt_overrides_in_use(p_tenant uuid) returns TABLE(tenant_id uuid, organization text, name text, version integer, text text)
  sql, stable, security definer, set search_path=public, pg_temp, body 3f67fc077e3c
  owner holdline_directory
  execute to holdline_app

function queue_figures() returns jsonb
  sql, stable, security definer, set search_path=public, pg_temp, body ddcf28ce32d6
  owner holdline_jobs
  execute to holdline_app

function read_events(p_events jsonb) returns TABLE(id text, series_id text, removed boolean, starts_at timestamp with time zone, ends_at timestamp with time zone)
  sql, immutable, body 8c8c1495881f

function record_found(p_tenant_id uuid, p_call_sid text, p_user_turns integer, p_ids uuid[]) returns jsonb
  plpgsql, volatile, body 1d116caf1f56

function record_offers(p_tenant_id uuid, p_call_sid text, p_user_turns integer, p_offers jsonb, p_turn bigint DEFAULT NULL::bigint) returns jsonb
  plpgsql, volatile, body b0abef826746

function record_turns(p_turns jsonb) returns void
  plpgsql, volatile, body 05a33c5ba5f4

function refuse_change() returns trigger
  plpgsql, volatile, body f8f46ccbb212

function refuse_illegal_step() returns trigger
  plpgsql, volatile, body 774ddf1f11cd

function release_hold(p_tenant_id uuid, p_call_sid text, p_cause text) returns jsonb
  plpgsql, volatile, body bbc59e1ba061

function retry_job(p_tenant_id uuid, p_id bigint) returns boolean
  plpgsql, volatile, security definer, set search_path=public, pg_temp, body 4db1ff4e9724
  owner holdline_jobs
  execute to holdline_app

function retry_jobs(p_ids bigint[] DEFAULT NULL::bigint[]) returns integer
  plpgsql, volatile, security definer, set search_path=public, pg_temp, body ec3fff5f7a17
  owner holdline_jobs
  execute to holdline_app

function run_as(p_function regprocedure, p_role name) returns void
  plpgsql, volatile, body 283bd9d8c50c
  execute to nobody else

function set_text_opt_out(p_number text, p_out boolean) returns void
  plpgsql, volatile, security definer, set search_path=public, pg_temp, body a8b00944b3fc
  owner holdline_directory
  execute to holdline_app

function slot_fills_of(p_tenant_id uuid) returns TABLE(practitioner_id uuid, rules text, filled_to date)
  sql, stable, security definer, set search_path=public, pg_temp, body d61b52506a9c
  owner holdline_directory
  execute to holdline_app

function slot_in_use(slot available_slots, p_call_sid text, p_now timestamp with time zone, p_leaving uuid DEFAULT NULL::uuid) returns boolean
  sql, stable, body 5df12f0a1ba4

function slots_of_part(part jsonb) returns TABLE(starts_at timestamp with time zone, during tstzrange, occupies tstzrange)
  sql, immutable, body 117f962c706a

function start_call(p_tenant_id uuid, p_call_sid text, p_caller text) returns jsonb
  plpgsql, volatile, body 51a015b8d21a

function superseded(p_tenant_id uuid, p_call_sid text, p_turn bigint) returns boolean
  plpgsql, volatile, body 196067bc9e40

function take_calendar() returns trigger
  plpgsql, volatile, body a6680542c161

function take_slot(target available_slots, p_call_sid text, p_now timestamp with time zone) returns available_slots
  plpgsql, volatile, body 05d586a190f6

function tend_jobs(p_runner text, p_running bigint[]) returns integer
  plpgsql, volatile, security definer, set search_path=public, pg_temp, body 76bb4282563d
  owner holdline_jobs
  execute to holdline_app

function text_about_ending() returns trigger
  plpgsql, volatile, body 425f98e100a6

function text_about_move() returns trigger
  plpgsql, volatile, body 09bf56e8f9df

function text_address(p_appointment_id uuid) returns text_messages
  sql, stable, body 1d5fa39994d9

function text_facts(p_tenant_id uuid, p_text_id uuid) returns jsonb
  plpgsql, volatile, body a7aa132dc520

function text_refusal(about appointments, p_number text) returns text
  plpgsql, stable, body 46b738dc88e2

function text_status_rank(p_status text) returns integer
  sql, immutable, body e5a1c62fd0d1

function texted_appointment(p_number text) returns jsonb
  sql, volatile, security definer, set search_path=public, pg_temp, body d8198061ff82
  owner holdline_directory
  execute to holdline_app

function unread_calendars(p_tenant_id uuid) returns integer
  plpgsql, volatile, body 1819d3533645

function with_call(p_answer jsonb, p_tenant_id uuid, p_call_sid text) returns jsonb
  plpgsql, volatile, body 709acf493f7a

function write_call_history() returns trigger
  plpgsql, volatile, body eda85272385d

function write_slots(p_tenant_id uuid, p_parts jsonb) returns jsonb
  plpgsql, volatile, set enable_nestloop=off, body 43d1cb3ced9e

function write_text(about appointments, p_number text, p_wording text, p_language text, p_at timestamp with time zone) returns void
  plpgsql, volatile, body 57d98faa9303
