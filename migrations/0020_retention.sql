-- Preservation, retention and recalls of what was disclosed (ADR 33).

-- The request of preservation that this one renews.
alter table legal_request add column renews uuid references legal_request (id);
-- What an approved request of preservation keeps. `covered` are the originators whose consent it was last filled by.
create table hold (
  request uuid primary key references legal_request (id),
  -- Of the liaison: only requests of the same organisation open it.
  organisation text not null,
  began_at timestamptz not null,
  ends_at timestamptz not null,
  -- Null until everything that it covers was copied.
  filled_at timestamptz,
  covered text[] not null default '{}',
  items integer not null default 0,
  -- Why it could not be filled.
  fault text,
  ended_at timestamptz
);
create index hold_open on hold (ends_at) where ended_at is null;

-- Copies of indicators as they were when the hold was filled: columns of `indicator`, and the further observables of compound ones.
create table escrow (
  request uuid not null references hold (request),
  originator text not null,
  stix_id uuid not null,
  version integer not null,
  handling_id integer not null,
  type text not null,
  value text not null,
  value_key bytea not null,
  compound boolean not null,
  network inet,
  domain_reversed text,
  asn bigint,
  country text,
  class text,
  confidence smallint,
  name text,
  description text,
  labels text[] not null,
  valid_from timestamptz not null,
  valid_until timestamptz,
  first_seen timestamptz,
  last_seen timestamptz,
  created timestamptz not null,
  modified timestamptz not null,
  recalled boolean not null,
  format text not null,
  stix text not null,
  received text,
  position bigint not null,
  date_added timestamptz not null,
  -- JSON: further observables of a compound one.
  others text,
  primary key (request, originator, stix_id)
);
create index escrow_indicator on escrow (stix_id, originator);
-- The hold that an item of a package was taken from; null for what is not in escrow.
alter table export_item add column hold uuid references hold (request);

-- Recalls of what a package had; told to whoever fetched it, until he confirms. Written by the database, whichever way a recall comes.
create table claw_back (
  export uuid not null,
  ordinal integer not null,
  recalled_at timestamptz not null,
  confirmed_at timestamptz,
  confirmed_by text,
  note text,
  primary key (export, ordinal),
  foreign key (export, ordinal) references export_item (export, ordinal) on delete cascade
);
create index claw_back_open on claw_back (recalled_at) where confirmed_at is null;

-- Rules of retention, in the order in which they are asked. Null members match everything.
create table retention_rule (
  ordinal integer primary key,
  tlp text[],
  types text[],
  personal_data boolean,
  after_expiry_days integer check (after_expiry_days > 0),
  after_recall_days integer check (after_recall_days > 0),
  check (after_expiry_days is not null or after_recall_days is not null)
);

-- What is left of a purged row is that there was one, with its version: nobody reads it, and nothing is published in its place.
alter table indicator add column purged_at timestamptz;
create index indicator_recalled on indicator (date_added) where recalled and purged_at is null;
alter table stix_object add column purged_at timestamptz;
-- What the log was told of single indicators, such as why one was recalled: erased with them.
create index audit_subject_indicator on audit_subject (substr(subject, 8, 47)) where starts_with(subject, '{"id":"indicator--');

create function tell_of_recall() returns trigger language plpgsql as $$
begin
  insert into claw_back (export, ordinal, recalled_at)
    select e.export, e.ordinal, new.date_added from export_item e
    where e.stix_id = new.stix_id and e.originator = new.originator and e.hold is null
    on conflict do nothing;
  return null;
end $$;
-- The end of a retention is no recall.
create trigger indicator_recalled after update of recalled on indicator for each row
  when (new.recalled and not old.recalled and new.purged_at is null) execute function tell_of_recall();
