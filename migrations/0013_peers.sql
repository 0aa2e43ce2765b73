-- Federation, the directory of it: what this node signs with towards others, and the nodes it was told of (ADR 27).

-- Keys this node signs with towards its peers. The newest that may sign does.
create table federation_key (
  -- RFC 7638, SHA-256.
  thumbprint text primary key,
  -- Private until it is removed, and public from then on.
  jwk text not null,
  created_at timestamptz not null,
  -- A new key is shown some time before it signs, so that peers have pinned it by then.
  signs_from timestamptz not null,
  -- What the key before it says of it, as a JWS; none for the first.
  endorsement text,
  removed_at timestamptz
);

-- A node that was enrolled here by hand. Nothing of it is learnt from it.
create table peer (
  -- The node's id.
  id uuid primary key,
  name text not null,
  url text not null,
  direction text not null check (direction in ('both', 'receive', 'send')),
  state text not null check (state in ('active', 'suspended', 'expelled')),
  state_since timestamptz not null,
  -- What is taken from it in an hour at most.
  items_per_hour integer not null check (items_per_hour > 0),
  bytes_per_hour bigint not null check (bytes_per_hour > 0),
  enrolled_at timestamptz not null
);

create table peer_key (
  -- One key is one node's.
  thumbprint text primary key,
  peer uuid not null references peer (id),
  -- Public.
  jwk text not null,
  pinned_at timestamptz not null,
  -- Nothing it signed before then is believed.
  valid_from timestamptz not null,
  -- The thumbprint of the key that endorsed it; null: somebody compared it.
  endorsed_by text,
  revoked_at timestamptz,
  -- From then on nothing it signed is believed.
  revoked_from timestamptz
);
create index peer_key_peer on peer_key (peer);

-- Which organisations are at home at a peer; all others are at home here.
create table peer_organisation (
  organisation text primary key references organisation (id),
  peer uuid not null references peer (id)
);
create index peer_organisation_peer on peer_organisation (peer);

-- They are part of the directory: whoever goes on for long hears of every change.
create trigger federation_key_epoch after insert or update or delete or truncate on federation_key
  for each statement execute function raise_policy_epoch();
create trigger peer_epoch after insert or update or delete or truncate on peer
  for each statement execute function raise_policy_epoch();
create trigger peer_key_epoch after insert or update or delete or truncate on peer_key
  for each statement execute function raise_policy_epoch();
create trigger peer_organisation_epoch after insert or update or delete or truncate on peer_organisation
  for each statement execute function raise_policy_epoch();
