-- Tokens: keys that clients sign with, keys that this node signs with, who somebody of another issuer is here, and what was used
-- up or taken back before its time.

-- Public keys by which an account proves that it is itself (RFC 7523). Its secret half never comes here.
create table client_key (
  id text primary key check (id ~ '^[0-9a-f]{12}$'),
  account text not null references account (id),
  name text not null,
  -- RFC 7638, SHA-256.
  thumbprint text not null,
  jwk text not null,
  -- What tokens asked for with it may do at most.
  scopes text[] not null check (cardinality(scopes) > 0),
  created_at timestamptz not null default now(),
  removed_at timestamptz,
  last_used_at timestamptz
);
create unique index client_key_account on client_key (account, thumbprint) where removed_at is null;

-- Assertions answered once; kept until they would have ended, so that a second use fails in every process.
create table used_assertion (
  client text not null references account (id),
  -- SHA-256 of the jti, which is the client's to choose and as long as it likes.
  jti bytea not null,
  expires_at timestamptz not null,
  primary key (client, jti)
);
create index used_assertion_expiry on used_assertion (expires_at);

-- Tokens of this node that were taken back; kept until they would have ended.
create table revoked_token (
  jti text primary key,
  client text not null references account (id),
  expires_at timestamptz not null
);
create index revoked_token_expiry on revoked_token (expires_at);

-- Keys this node signs tokens with. The newest that may sign does; all that are not removed verify.
create table signing_key (
  -- RFC 7638, SHA-256.
  kid text primary key,
  -- Private until it is removed, and public from then on.
  jwk text not null,
  created_at timestamptz not null,
  -- A new key is shown some time before it signs, so that whoever keeps the key set has it by then.
  signs_from timestamptz not null,
  -- No token of this key can be valid after it; unknown while there is no successor.
  retires_at timestamptz,
  removed_at timestamptz
);

-- Who somebody of an external issuer is here. Nobody is enrolled by logging in.
create table external_identity (
  id text primary key check (id ~ '^[0-9a-f]{12}$'),
  issuer text not null,
  subject text not null,
  account text not null references account (id),
  scopes text[] not null check (cardinality(scopes) > 0),
  created_at timestamptz not null default now(),
  unique (issuer, subject)
);
create index external_identity_account on external_identity (account);

-- What was decided for a credential ends when the credential does. Signing keys are read anew when they change.
create trigger client_key_epoch after update of account, jwk, scopes, removed_at or delete or truncate on client_key
  for each statement execute function raise_policy_epoch();
create trigger external_identity_epoch after update or delete or truncate on external_identity
  for each statement execute function raise_policy_epoch();
create trigger signing_key_epoch after insert or update or delete or truncate on signing_key
  for each statement execute function raise_policy_epoch();
