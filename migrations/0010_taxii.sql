-- TAXII collections: what a reader of collections could see, what became visible to it later and when, and what became of what it sent.

-- One row for each account and purpose that reads collections: what it may see, as of its last look.
create table collection_view (
  -- Account and purpose, digested.
  follower bytea primary key,
  version integer not null,
  -- A byte for each handling id: 0 nothing, 1 whole, 2 masked.
  handlings bytea not null,
  -- Four bytes for each: the arrival by which it came to be shown as it is, 0 where it always was (ADR 22).
  arrivals bytea not null,
  -- Where the feed reached at the first look: who was not there had nothing that is recalled since.
  began bigint not null
);

-- What was there already when it became visible to a reader is listed at a time of its own, in which nothing else is.
create table collection_arrival (
  follower bytea not null,
  arrival integer not null,
  -- It is about what stands at or below this position.
  upto bigint not null,
  -- Where the feed reached when the time was taken from it.
  reserved bigint not null,
  -- The first millisecond, since 1970; a block of rows has one.
  at_ms bigint not null,
  rows integer not null,
  primary key (follower, arrival)
);
create table collection_arrival_block (
  follower bytea not null,
  arrival integer not null,
  block integer not null,
  -- Positions, from the first, four bytes each.
  first_position bigint not null,
  last_position bigint not null,
  offsets bytea not null,
  primary key (follower, arrival, block),
  foreign key (follower, arrival) references collection_arrival (follower, arrival) on delete cascade deferrable initially deferred
);

-- What became of what was sent to a collection: for whoever sent it.
create table collection_status (
  id uuid primary key,
  account text not null references account (id),
  at timestamptz not null,
  -- JSON, as TAXII 2.1 §4.3.1 has it.
  body text not null
);
create index collection_status_at on collection_status (at);
