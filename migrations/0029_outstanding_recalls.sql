-- What takes away, the newest first: of one originator, and of all.
create index envelope_taken_back_of on envelope (originator, at, stix_id) where bare;
create index envelope_taken_back on envelope (at, stix_id) where bare;
