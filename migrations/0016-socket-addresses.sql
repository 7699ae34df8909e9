-- From where a voice platform may open a socket with the organization's key, which stands in the url and is not
-- signed: single addresses or networks, e.g. 100.20.5.228 or 10.0.0.0/8. Empty: from anywhere.
alter table organizations add column socket_addresses text[] not null default '{}'
  check (array_to_string(socket_addresses, ',') ~ '^[0-9A-Fa-f:./,]*$');
