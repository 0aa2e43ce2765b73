-- Federation, what nodes say of their own logs and of what is not an indicator (ADR 31).

-- The log of this node's checkpoints: a leaf for each period, in the epoch of its feed.
create table period (
  epoch uuid not null,
  -- Its number, from 1: with it the log has so many leaves.
  size integer not null check (size > 0),
  salt bytea not null,
  -- The hash of its leaf, and those of all complete subtrees that it ends, 32 bytes each, the smallest first.
  hashes bytea not null,
  -- The last seal that it covers.
  upto_seal bigint not null,
  at timestamptz not null,
  primary key (epoch, size)
);

-- Checkpoints of this node and of others, as they were sealed: what they say is compared.
create table checkpoint (
  -- RFC 6962 leaf hash of the envelope.
  digest bytea primary key,
  node uuid not null,
  epoch uuid not null,
  -- Of the log of sealed periods.
  size integer not null,
  root bytea not null,
  -- Of the audit log, and the key that signs there; null: it had no head yet.
  audit_key text,
  audit_size bigint,
  audit_root bytea,
  issued_at timestamptz not null,
  expires_at timestamptz not null,
  -- JSON of the envelope, its place and its seal.
  entry text not null,
  -- The peer it came from; null: it was sealed here.
  received_from uuid,
  at timestamptz not null,
  -- Whether its node has shown that its later heads extend it.
  proven boolean not null default false,
  -- An operator has settled what it contradicts: it is compared with nothing any more.
  settled boolean not null default false
);
create index checkpoint_size on checkpoint (node, epoch, size);
create index checkpoint_audit on checkpoint (node, audit_size);
create index checkpoint_issued on checkpoint (node, issued_at);

-- What two checkpoints, or a checkpoint and a log, contradict each other in. Until it is settled nothing is applied of that node.
create table peer_finding (
  id bigint generated always as identity primary key,
  -- Whose log it is: a peer, or this node itself.
  node uuid not null,
  kind text not null,
  detail text not null,
  -- Digests of the checkpoints; the entries are kept whatever becomes of those.
  digests text not null,
  entries text not null,
  -- The peer whose answer brought it.
  seen_from uuid not null,
  at timestamptz not null,
  settled_at timestamptz,
  unique (node, kind, digests)
);
create index peer_finding_open on peer_finding (node) where settled_at is null;

alter table peer_state
  -- When its checkpoints were last asked for, and how large this node's audit log was as it has kept it.
  add column heads_asked_at timestamptz,
  add column witnessed_size bigint,
  add column witnessed_at timestamptz,
  -- When its description was last asked for new keys.
  add column keys_asked_at timestamptz,
  -- When it was last told that there is something, and when it last told us so.
  add column rang_at timestamptz,
  add column rung_at timestamptz;

-- Communities whose members a peer keeps: its word that somebody left is taken. One community is kept by one node.
create table peer_community (
  community text primary key references community (id),
  peer uuid not null references peer (id)
);
create trigger peer_community_epoch after insert or update or delete or truncate on peer_community
  for each statement execute function raise_policy_epoch();

-- Envelopes that are of no indicator: the latest of each sighting and departure, own and received, in the order in which peers get them.
create table notice (
  position bigint primary key,
  originator text not null,
  -- sighting--<uuid> or membership--<uuid>
  item text not null,
  version integer not null,
  -- Of a sighting; null: everybody may have it.
  handling_id integer,
  -- What a sighting is about.
  of_originator text,
  of_stix_id uuid,
  node uuid not null,
  epoch uuid not null,
  digest bytea not null,
  body text not null,
  seal bigint not null references seal (id),
  leaf integer not null,
  path bytea not null,
  hops text not null,
  received_from uuid,
  at timestamptz not null,
  unique (item, originator)
);
create index notice_of on notice (of_stix_id, of_originator);
create sequence notice_position;

-- Sightings and departures that are not sealed yet.
create table sighting_unsealed (
  stix_id uuid not null,
  originator text not null,
  reporter text not null,
  primary key (stix_id, originator, reporter)
);
create function sighting_changed() returns trigger language plpgsql as $$
begin
  insert into sighting_unsealed (stix_id, originator, reporter) values (new.stix_id, new.originator, new.reporter)
    on conflict do nothing;
  return null;
end $$;
create trigger sighting_changed after insert or update on sighting for each row execute function sighting_changed();
insert into sighting_unsealed select distinct stix_id, originator, reporter from sighting;

create table departure (
  community text not null,
  organisation text not null,
  left_at timestamptz not null,
  primary key (community, organisation)
);
create function member_left() returns trigger language plpgsql as $$
begin
  insert into departure (community, organisation, left_at) values (old.community, old.organisation, clock_timestamp())
    on conflict (community, organisation) do update set left_at = excluded.left_at;
  return null;
end $$;
create trigger member_left after delete on community_member for each row execute function member_left();
