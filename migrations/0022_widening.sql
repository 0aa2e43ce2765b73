-- Requests to widen (ADR 32): a reader asks the originator of an indicator to let others have it. One row at the node of who asks, and one
-- at the node of the originator where that is another; what goes to the other node waits in the row itself.
create table widening_request (
  id uuid primary key,
  -- The organisation that asks, and its account where it asks here.
  asker text not null,
  account text,
  -- The peer that it came from, and the peer at which the originator is at home; null: here.
  received_from uuid references peer (id),
  sent_to uuid references peer (id),
  originator text not null,
  stix_id uuid not null,
  -- The version that the asker saw.
  version integer not null,
  -- Whether the asker was told who the originator is.
  source_shown boolean not null,
  -- JSON: what is asked for.
  wanted text not null,
  reason text not null,
  state text not null check (state in ('open', 'accepted', 'refused', 'withdrawn', 'lapsed', 'failed')),
  asked_at timestamptz not null,
  closed_at timestamptz,
  -- What the originator said, and the version that widened it.
  note text not null default '',
  widened_version integer,
  -- Why the originator's node did not take it.
  failure text,
  -- The outbox: something to tell the other node, from then on; raised by each change, so that nobody takes an old word for the last.
  send_after timestamptz,
  send_number integer not null default 0,
  send_failures integer not null default 0,
  check (account is not null or received_from is not null)
);
-- An organisation asks once until it is answered.
create unique index widening_request_open on widening_request (asker, originator, stix_id) where state = 'open';
create index widening_request_account on widening_request (account, asked_at desc, id desc) where account is not null;
create index widening_request_originator on widening_request (originator, asked_at desc, id desc) where sent_to is null;
create index widening_request_asked on widening_request (asker, asked_at);
create index widening_request_peer on widening_request (received_from) where state = 'open' and received_from is not null;
create index widening_request_lapse on widening_request (asked_at) where state = 'open';
create index widening_request_send on widening_request (send_after) where send_after is not null;
