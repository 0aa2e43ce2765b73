-- What one partner asks another to do about indicators (ADR 34). `handling_id` is what the asker's words are under, `answer_handling_id`
-- those of the addressee: both are addressed to the other of the two, and to nobody else.
create table assistance (
  id uuid primary key,
  asker text not null references organisation (id),
  addressee text not null references organisation (id),
  kind text not null check (kind in ('takedown', 'preservation', 'information')),
  state text not null check (state in ('asked', 'accepted', 'declined', 'answered', 'closed', 'withdrawn', 'expired')),
  handling_id integer not null references handling (id),
  answer_handling_id integer not null references handling (id),
  due_at timestamptz not null,
  version integer not null,
  created_at timestamptz not null,
  check (asker <> addressee)
);
create index assistance_asker on assistance (asker, created_at desc, id desc);
create index assistance_addressee on assistance (addressee, created_at desc, id desc);
create index assistance_due on assistance (due_at) where state = 'asked';

-- What it is about. Whether a reader sees one of them is asked with each reading.
create table assistance_indicator (
  assistance uuid not null references assistance (id),
  ordinal integer not null,
  originator text not null,
  stix_id uuid not null,
  primary key (assistance, ordinal)
);

create table assistance_step (
  assistance uuid not null references assistance (id),
  ordinal integer not null,
  step text not null,
  side text not null check (side in ('asker', 'addressee', 'clock')),
  -- Absent where the clock did it.
  account text,
  handling_id integer not null references handling (id),
  text text not null,
  at timestamptz not null,
  primary key (assistance, ordinal)
);
create trigger assistance_step_append_only before update or delete on assistance_step
  for each row execute function append_only();

-- What a reader of an indicator and its source say to each other through the node (ADR 35). Neither row says to the replier who the source is:
-- `alias` is what it saw in place of the source when it first wrote, null where the source was named.
create table reply (
  id uuid primary key,
  originator text not null references organisation (id),
  stix_id uuid not null,
  replier text not null references organisation (id),
  alias text,
  handling_id integer not null references handling (id),
  created_at timestamptz not null,
  unique (replier, originator, stix_id),
  check (replier <> originator)
);
create index reply_replier on reply (replier, created_at desc, id desc);
create index reply_originator on reply (originator, created_at desc, id desc);

create table reply_message (
  reply uuid not null references reply (id),
  ordinal integer not null,
  side text not null check (side in ('replier', 'source')),
  account text not null,
  handling_id integer not null references handling (id),
  text text not null,
  at timestamptz not null,
  primary key (reply, ordinal)
);
create trigger reply_message_append_only before update or delete on reply_message
  for each row execute function append_only();

-- That somebody asks who a source is, and who decided.
create table attribution_request (
  id uuid primary key,
  account text not null,
  organisation text not null references organisation (id),
  originator text not null references organisation (id),
  stix_id uuid not null,
  alias text not null,
  reason text not null,
  state text not null check (state in ('asked', 'approved', 'refused', 'withdrawn', 'expired')),
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index attribution_request_account on attribution_request (account, created_at desc, id desc);
create index attribution_request_originator on attribution_request (originator, created_at desc, id desc);
create index attribution_request_newest on attribution_request (created_at desc, id desc);
create index attribution_request_ending on attribution_request (expires_at) where state = 'asked';

create table attribution_request_step (
  request uuid not null references attribution_request (id),
  ordinal integer not null,
  step text not null,
  side text not null check (side in ('requester', 'node', 'source', 'clock')),
  account text,
  note text not null,
  at timestamptz not null,
  primary key (request, ordinal)
);
create trigger attribution_request_step_append_only before update or delete on attribution_request_step
  for each row execute function append_only();
