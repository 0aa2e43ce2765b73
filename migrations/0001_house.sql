-- The house: directory, handling, indicators, the feed, the audit log, and the tables that legal requests will use.
-- Only what PostgreSQL 15 has.

create table organisation (
  id text primary key check (id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  name text not null,
  kind text not null check (kind in ('rir', 'national-cert', 'sector-cert', 'isp', 'vendor', 'research', 'law-enforcement')),
  jurisdiction text not null check (jurisdiction ~ '^[A-Z]{2}$'),
  disabled_at timestamptz,
  created_at timestamptz not null default now()
);

create table community (
  id text primary key check (id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  name text not null,
  description text not null default '',
  created_at timestamptz not null default now()
);

create table community_member (
  community text not null references community (id),
  organisation text not null references organisation (id),
  since timestamptz not null default now(),
  primary key (community, organisation)
);

-- One row: what this node is. Keys are 32 random bytes, made at the first start.
create table node (
  singleton boolean primary key default true check (singleton),
  id uuid not null,
  operator text references organisation (id),
  green_community text references community (id),
  -- A restored backup gets a new epoch, so that cursors from before are known to be outdated.
  feed_epoch uuid not null,
  cursor_key bytea not null,
  mask_key bytea not null,
  id_key bytea not null,
  created_at timestamptz not null default now()
);

-- Raised in the transaction of every change on which a decision may rest; a decision is good for one epoch.
create table policy_state (
  singleton boolean primary key default true check (singleton),
  epoch bigint not null
);
insert into policy_state (epoch) values (1);

create table account (
  id text primary key check (id ~ '^[a-z0-9][a-z0-9._-]{0,126}$'),
  organisation text not null references organisation (id),
  name text not null,
  roles text[] not null check (cardinality(roles) > 0),
  disabled_at timestamptz,
  created_at timestamptz not null default now()
);
create index account_organisation on account (organisation);

create table api_key (
  id text primary key,
  account text not null references account (id),
  name text not null,
  digest bytea not null,
  scopes text[] not null check (cardinality(scopes) > 0),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  created_at timestamptz not null default now()
);
create index api_key_account on api_key (account);

create table client (
  provider text not null references organisation (id),
  client text not null references organisation (id),
  since timestamptz not null default now(),
  primary key (provider, client),
  check (provider <> client)
);
create index client_client on client (client);

create table constituency (
  organisation text not null references organisation (id),
  kind text not null check (kind in ('asn', 'prefix', 'country', 'domain')),
  value text not null,
  primary key (organisation, kind, value)
);

create table agreement (
  id text primary key check (id ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  name text not null,
  parties text[] not null check (cardinality(parties) >= 2),
  max_tlp text not null check (max_tlp in ('clear', 'green', 'amber', 'amber+strict', 'red')),
  purposes text[] not null check (cardinality(purposes) > 0),
  personal_data boolean not null,
  valid_from timestamptz not null,
  valid_to timestamptz,
  citation text not null,
  example boolean not null default false,
  created_at timestamptz not null default now(),
  check (valid_to is null or valid_to > valid_from)
);

-- Agreements are added and ended, never edited: what a past decision rested on must stay readable.
create function agreement_only_ends() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' or
     row (old.id, old.name, old.parties, old.max_tlp, old.purposes, old.personal_data, old.valid_from, old.citation, old.example, old.created_at)
       is distinct from
     row (new.id, new.name, new.parties, new.max_tlp, new.purposes, new.personal_data, new.valid_from, new.citation, new.example, new.created_at) or
     (old.valid_to is not null and (new.valid_to is null or new.valid_to > old.valid_to)) then
    raise exception 'an agreement is never edited, only ended' using errcode = 'PU001';
  end if;
  return new;
end $$;
create trigger agreement_only_ends before update or delete on agreement for each row execute function agreement_only_ends();

-- Handlings are interned: equal ones are one row. Ids are dense from 1: they index bitsets.
create table handling (
  id integer primary key,
  digest bytea not null unique,
  originator text not null references organisation (id),
  body text not null,
  created_at timestamptz not null default now()
);

create table indicator (
  originator text not null references organisation (id),
  -- The uuid of the STIX id `indicator--<uuid>`. The originator is part of the key: nobody can detect another's rows by it.
  stix_id uuid not null,
  version integer not null,
  handling_id integer not null references handling (id),
  type text not null,
  value text not null,
  -- First 16 bytes of SHA-256 over the correlation key.
  value_key bytea not null,
  compound boolean not null,
  network inet,
  -- Labels in reverse order (`com.example.www`), so that a suffix is a prefix.
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
  recalled boolean not null default false,
  format text not null,
  -- STIX 2.1 object, ready for the wire: text, never jsonb, which reorders and rounds.
  stix text not null,
  -- The record exactly as received, where that is not `stix`.
  received text,
  digest bytea not null,
  position bigint not null,
  date_added timestamptz not null,
  -- The id first: it is also looked for alone, whoever the originator.
  primary key (stix_id, originator)
);
create unique index indicator_position on indicator (position);
create index indicator_value on indicator (value_key);
create index indicator_network on indicator (network inet_ops) where network is not null;
create index indicator_domain on indicator (domain_reversed text_pattern_ops) where domain_reversed is not null;
create index indicator_asn on indicator (asn, position) where asn is not null;
create index indicator_country on indicator (country, position) where country is not null;

-- The second and further observables of compound indicators.
create table indicator_observable (
  originator text not null,
  stix_id uuid not null,
  ordinal integer not null,
  type text not null,
  value text not null,
  value_key bytea not null,
  primary key (originator, stix_id, ordinal),
  foreign key (originator, stix_id) references indicator (originator, stix_id)
);
create index indicator_observable_value on indicator_observable (value_key);

-- Versions that a later one replaced.
create table indicator_version (
  originator text not null,
  stix_id uuid not null,
  version integer not null,
  change text not null check (change in ('published', 'revised', 'narrowed', 'recalled')),
  handling_id integer not null references handling (id),
  stix text not null,
  received text,
  modified timestamptz not null,
  position bigint not null,
  date_added timestamptz not null,
  primary key (originator, stix_id, version)
);

-- The last position given out. The row lock is held until commit, so position order is commit order (ADR 4).
create table feed_head (
  singleton boolean primary key default true check (singleton),
  position bigint not null,
  at timestamptz not null
);
insert into feed_head (position, at) values (0, '1970-01-01T00:00:00Z');

-- The one ordered log of changes; partitioned by position, which grows with time.
create table feed (
  position bigint not null,
  at timestamptz not null,
  kind text not null check (kind in ('published', 'revised', 'narrowed', 'recalled')),
  originator text not null,
  stix_id uuid not null,
  version integer not null,
  handling_id integer not null,
  -- The handling before, where it changed: who had it then and has it no more gets a withdrawal.
  previous_handling_id integer,
  primary key (position)
) partition by range (position);

-- Append-only leaves, each the canonical text that the Merkle tree hashes; columns beside it are an index.
create table audit_leaf (
  id bigint generated always as identity,
  at timestamptz not null,
  action text not null,
  actor text,
  organisation text,
  decision text not null check (decision in ('permit', 'redact', 'deny')),
  leaf text not null,
  primary key (id)
) partition by range (id);
create index audit_leaf_organisation on audit_leaf (organisation, id);

-- What a leaf commits to. Erasing a row (a data-protection duty) leaves the tree whole.
create table audit_subject (
  leaf bigint primary key,
  salt bytea not null,
  subject text not null
);

-- Signed heads of the tree (C2SP tlog-checkpoint).
create table audit_checkpoint (
  size bigint primary key,
  root bytea not null,
  note text not null,
  at timestamptz not null
);

create function append_only() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'PU002';
end $$;
create trigger audit_leaf_append_only before update or delete on audit_leaf for each row execute function append_only();
create trigger audit_checkpoint_append_only before update or delete on audit_checkpoint for each row execute function append_only();

create table receipt (
  id uuid primary key,
  account text not null references account (id),
  at timestamptz not null,
  idempotency_key text,
  request_digest bytea,
  -- Null while the request runs.
  status integer,
  answer text
);
create unique index receipt_idempotency on receipt (account, idempotency_key) where idempotency_key is not null;

create table legal_request (
  id uuid primary key,
  liaison text not null references account (id),
  instrument text not null,
  citation text not null,
  authority text not null,
  case_reference text not null,
  offence text not null,
  requesting_jurisdiction text not null check (requesting_jurisdiction ~ '^[A-Z]{2}$'),
  facts text not null,
  necessity text not null,
  scope text not null,
  -- Organisations whose indicators it covers; none covers nothing.
  originators text[] not null,
  handling_code text,
  urgency text,
  confidential_until timestamptz,
  state text not null check (state in ('draft', 'filed', 'under-review', 'approved', 'refused', 'fulfilled', 'closed', 'expired', 'withdrawn', 'clawed-back')),
  approved_at timestamptz,
  expires_at timestamptz not null,
  created_at timestamptz not null default now()
);

create table legal_request_step (
  request uuid not null references legal_request (id),
  ordinal integer not null,
  account text not null references account (id),
  step text not null,
  note text not null default '',
  at timestamptz not null,
  primary key (request, ordinal)
);

create table export (
  id uuid primary key,
  request uuid not null references legal_request (id),
  account text not null references account (id),
  position bigint not null,
  manifest text,
  state text not null,
  created_at timestamptz not null default now()
);

-- Makes the partitions of a log that hold ids up to and including `upto`: ten million rows each.
create function ensure_partitions(parent text, upto bigint) returns void language plpgsql as $$
declare
  size constant bigint := 10000000;
  n bigint;
begin
  for n in 0 .. upto / size loop
    if to_regclass(format('%I', parent || '_' || n)) is null then
      perform pg_advisory_xact_lock(hashtext('ensure_partitions'));
      execute format('create table if not exists %I partition of %I for values from (%s) to (%s)', parent || '_' || n, parent, n * size, (n + 1) * size);
    end if;
  end loop;
end $$;
select ensure_partitions('feed', 10000000), ensure_partitions('audit_leaf', 10000000);

-- Every table a decision rests on raises the policy epoch, in the same transaction as the change.
create function raise_policy_epoch() returns trigger language plpgsql as $$
begin
  update policy_state set epoch = epoch + 1;
  return null;
end $$;
create trigger organisation_epoch after insert or update or delete or truncate on organisation for each statement execute function raise_policy_epoch();
create trigger community_epoch after insert or update or delete or truncate on community for each statement execute function raise_policy_epoch();
create trigger community_member_epoch after insert or update or delete or truncate on community_member for each statement execute function raise_policy_epoch();
create trigger node_epoch after insert or update or delete or truncate on node for each statement execute function raise_policy_epoch();
create trigger account_epoch after insert or update or delete or truncate on account for each statement execute function raise_policy_epoch();
create trigger client_epoch after insert or update or delete or truncate on client for each statement execute function raise_policy_epoch();
create trigger agreement_epoch after insert or update or delete or truncate on agreement for each statement execute function raise_policy_epoch();
create trigger legal_request_epoch after insert or update or delete or truncate on legal_request for each statement execute function raise_policy_epoch();
