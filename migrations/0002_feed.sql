-- Following the feed: where a row was before, what a follower was given, and a word to every process when something moves.

-- The position that the indicator had before this entry: whoever follows from there or later was given that version.
alter table feed add column previous_position bigint;
update feed f set previous_position = v.position
from indicator_version v
where v.originator = f.originator and v.stix_id = f.stix_id and v.version = f.version - 1;

-- What a follower of the feed could see, by generations: a new one begins when something that lies behind its cursor is given to it
-- or taken from it. Cursors name a generation, so that a follower is told what changed while it was away.
create table feed_view (
  -- Account and purpose, digested.
  follower bytea not null,
  generation integer not null,
  -- A byte for each handling id: 0 nothing, 1 whole, 2 masked.
  handlings bytea not null,
  at timestamptz not null,
  primary key (follower, generation)
);

-- Which database this was: system, timeline and database. Another one is a restored copy, in which positions may be given again.
alter table node add column database_identity text;

-- A credential that is taken back ends whatever was decided for it, like every other change of policy.
create trigger api_key_epoch after update of revoked_at, expires_at, scopes, account on api_key
  for each statement execute function raise_policy_epoch();

-- Every process hears of a new epoch at once. Hearing is a convenience: what is read is checked against the epoch in any case.
create or replace function raise_policy_epoch() returns trigger language plpgsql as $$
begin
  update policy_state set epoch = epoch + 1;
  perform pg_notify('puente_policy', '');
  return null;
end $$;
