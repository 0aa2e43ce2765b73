-- Quality: what organisations say of indicators they saw, and what is needed to find related ones.

-- One row for all that one organisation said of one indicator in one way, under one handling: what is said again is added up.
create table sighting (
  stix_id uuid not null,
  originator text not null,
  reporter text not null references organisation (id),
  type text not null check (type in ('seen', 'false-positive', 'expired')),
  -- What the reporter asked for beyond the indicator's own handling; both must permit. Null: nothing.
  handling_id integer references handling (id),
  times bigint not null check (times > 0),
  first_seen timestamptz not null,
  last_seen timestamptz not null check (last_seen >= first_seen)
);
create unique index sighting_key on sighting (stix_id, originator, reporter, type, handling_id) nulls not distinct;

-- What `observation` adds up to, so that a sum costs a row for each reporter and not one for each hour.
create table observation_total (
  stix_id uuid not null,
  originator text not null,
  reporter text not null,
  times bigint not null,
  first_hour timestamptz not null,
  last_hour timestamptz not null,
  primary key (stix_id, originator, reporter)
);
insert into observation_total (stix_id, originator, reporter, times, first_hour, last_hour)
select stix_id, originator, reporter, sum(times), min(hour), max(hour) from observation group by 1, 2, 3;

-- Rows of one value, or of one AS, by handling: what a reader may not see is passed over a handling at a time (ADR 18).
drop index indicator_value;
create index indicator_value on indicator (value_key, handling_id, position);
drop index indicator_asn;
create index indicator_asn on indicator (asn, handling_id, position) where asn is not null;

-- Ranges of addresses and of names, with what says who may see a row: hidden ones are passed over in the index.
drop index indicator_network;
create index indicator_network on indicator (network inet_ops, handling_id, position) where network is not null;
drop index indicator_domain;
create index indicator_domain on indicator (domain_reversed text_pattern_ops, handling_id, position) where domain_reversed is not null;
