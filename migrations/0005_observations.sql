-- Observations: how often organisations saw what indicators look for, by the hour.

create table observation (
  stix_id uuid not null,
  originator text not null,
  reporter text not null references organisation (id),
  hour timestamptz not null,
  times bigint not null check (times > 0),
  primary key (stix_id, originator, reporter, hour)
);

-- The same as streams append it; merged into `observation` on the clock. No key and no reference: it is written by COPY.
create table observation_part (
  stix_id uuid not null,
  originator text not null,
  reporter text not null,
  hour timestamptz not null,
  times bigint not null check (times > 0),
  -- The receipt of a stream with an Idempotency-Key: counts once that is answered, and not at all if it never is.
  receipt uuid
);
create index observation_part_indicator on observation_part (stix_id, originator);
create index observation_part_receipt on observation_part (receipt) where receipt is not null;
