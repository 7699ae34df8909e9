-- Where a channel tells us of changes: when our own address changes, it is of no use any more.
alter table calendar_syncs add column channel_address text;
