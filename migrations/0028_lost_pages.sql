-- Pages that a peer was given, and asked for again: whether it has what was in them, nobody knows.
alter table peer_state add column lost_pages int8multirange not null default '{}';
