-- Federation, the exchange of it: what was sealed and received, how far each peer has come, what was not applied (ADR 27).

-- A node's signature over a batch of envelopes, as it is passed on.
create table seal (
  id bigint generated always as identity primary key,
  -- SHA-256 of its text: one that comes again is kept once.
  digest bytea not null unique,
  node uuid not null,
  thumbprint text not null,
  sealed_at timestamptz not null,
  jws text not null
);
create index seal_key on seal (thumbprint, sealed_at);

-- The latest envelope of each indicator in each of its two forms: whole, or bare (withdrawals and tombstones).
create table envelope (
  originator text not null,
  stix_id uuid not null,
  bare boolean not null,
  version integer not null,
  -- A tombstone.
  recalled boolean not null,
  -- The node that sealed it, and its feed's epoch.
  node uuid not null,
  epoch uuid not null,
  -- RFC 6962 leaf hash of the exact text.
  digest bytea not null,
  -- The exact text; null when it may not be kept here any more.
  body text,
  seal bigint not null references seal (id),
  leaf integer not null,
  -- Hashes of 32 bytes, one behind the other.
  path bytea not null,
  -- JSON: the relays that it says it passed.
  hops text not null,
  -- The peer it came from; null: it was sealed here.
  received_from uuid,
  at timestamptz not null,
  primary key (stix_id, originator, bare)
);
create index envelope_node on envelope (node) where body is not null and received_from is not null;
create index envelope_seal on envelope (seal);

-- How far this node's own feed was sealed.
create table federation_state (
  singleton boolean primary key default true check (singleton),
  sealed_position bigint not null
);
insert into federation_state (sealed_position) values (0);

-- How it goes with each peer. Apart from the directory: it changes with every page, and the policy does not.
create table peer_state (
  peer uuid primary key references peer (id),

  -- Taking. The peer's cursor, moved in the transaction that stores the page; null: from the beginning.
  cursor text,
  -- Whether there was more when it was last asked.
  more boolean not null default false,
  -- From where to take again when the own directory changes, because something was not for anybody here; and the epoch it was under.
  rewind boolean not null default false,
  rewind_cursor text,
  rewind_epoch bigint,
  rewound_at timestamptz,
  not_before timestamptz,
  failures integer not null default 0,
  failing_since timestamptz,
  last_attempt_at timestamptz,
  last_page_at timestamptz,
  last_outcome text,
  hour_began timestamptz,
  hour_items bigint not null default 0,
  hour_bytes bigint not null default 0,
  -- The process that takes, and until when it is believed to be alive.
  holder uuid,
  held_until timestamptz,

  -- Giving. Pages are numbered; up to this one the peer has stored them.
  given_pages bigint not null default 0,
  stored_pages bigint not null default 0,
  last_asked_at timestamptz
);

-- What became of what a peer sent, counted by outcome and reason.
create table peer_count (
  peer uuid not null references peer (id),
  outcome text not null,
  code text not null,
  items bigint not null,
  last_at timestamptz not null,
  primary key (peer, outcome, code)
);

-- What was not applied: kept with its bytes where it may be applied yet, and by name alone where it never will be.
create table quarantine (
  id bigint generated always as identity primary key,
  peer uuid not null references peer (id),
  -- As the entry says; null where it cannot be read.
  originator text,
  item text,
  version bigint,
  code text not null,
  detail text not null,
  -- JSON of the entry and its seal; null: it can only be dropped.
  entry text,
  bytes integer not null,
  -- When it is examined again by itself.
  retry_at timestamptz,
  retry_version boolean not null default false,
  at timestamptz not null,
  -- Whether the peer was told.
  reported boolean not null default false
);
create unique index quarantine_once on quarantine (peer, coalesce(originator, ''), coalesce(item, ''), coalesce(version, 0), code);
create index quarantine_retry on quarantine (retry_at) where retry_at is not null;
create index quarantine_version on quarantine (item) where retry_version;
create index quarantine_unreported on quarantine (peer) where not reported;

-- What each peer was given of each indicator: the last version, and in which page.
create table peer_holding (
  stix_id uuid not null,
  originator text not null,
  peer uuid not null references peer (id),
  version integer not null,
  bare boolean not null,
  page bigint not null,
  -- The last version that it is known to have stored; 0 for none.
  stored_version integer not null,
  at timestamptz not null,
  -- Why it did not apply it, where it said so.
  refused text,
  primary key (stix_id, originator, peer)
);

-- Signatures of peers that were used: none is used twice.
create table peer_nonce (
  thumbprint text not null,
  nonce text not null,
  expires_at timestamptz not null,
  primary key (thumbprint, nonce)
);
create index peer_nonce_expiry on peer_nonce (expires_at);
