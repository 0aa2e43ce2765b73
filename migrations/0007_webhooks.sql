-- Webhooks: what is to be sent where, how far each has come, and what could not be delivered.

create table webhook_subscription (
  id uuid primary key,
  account text not null references account (id),
  -- The credential under whose rights it is sent: when that ends, sending does.
  credential_kind text not null check (credential_kind in ('key', 'client-key', 'identity')),
  credential text not null,
  purpose text not null,
  name text not null,
  url text not null,
  -- JSON as it was given: a cursor is bound to its text.
  filter text not null,
  own_system boolean not null,
  batch integer not null check (batch between 1 and 1000),
  -- Sealed under a key derived from the node's.
  secret bytea not null,
  old_secret bytea,
  old_secret_until timestamptz,
  created_at timestamptz not null,

  -- Why it is paused; null while it is active.
  paused_reason text,
  paused_at timestamptz,

  -- Up to where changes were taken out of the feed into deliveries; null: from the beginning. Moves only in the transaction that writes
  -- the delivery.
  cursor text,
  -- What was looked at when there was nothing more: it is looked again when the feed or the policy is beyond it, or time is.
  checked_position bigint not null default -1,
  checked_epoch bigint not null default -1,
  check_at timestamptz,
  next_number bigint not null default 1,

  -- Not before then is anything sent, since the last attempt failed.
  not_before timestamptz,
  failing_since timestamptz,
  last_attempt_at timestamptz,
  last_delivered_at timestamptz,
  -- Status of the last answer, or what went wrong instead.
  last_outcome text,

  -- The process that works on it, as long as that process is alive; each taking raises the fence, and a fence that is not the present one
  -- writes nothing.
  holder uuid,
  fence bigint not null default 0,
  served_at timestamptz not null default '1970-01-01T00:00:00Z'
);
create index webhook_subscription_account on webhook_subscription (account);

-- Changes on their way to an endpoint, or given up. What is sent is made of the feed again at each attempt: here are only positions and
-- ids.
create table webhook_delivery (
  -- The webhook-id.
  id text primary key,
  subscription uuid not null references webhook_subscription (id) on delete cascade,
  -- They are sent in this order.
  number bigint not null,
  -- JSON: change, position, STIX id.
  steps text not null,
  -- Of the feed that the positions are of.
  feed_epoch uuid not null,
  cursor text not null,
  created_at timestamptz not null,
  attempts integer not null default 0,
  -- Given up then; null while it is to be sent.
  dead_at timestamptz,
  dead_reason text,
  unique (subscription, number)
);
create index webhook_delivery_dead on webhook_delivery (dead_at) where dead_at is not null;

-- Processes that send, and until when they are believed to be alive.
create table webhook_sender (
  id uuid primary key,
  alive_until timestamptz not null
);
