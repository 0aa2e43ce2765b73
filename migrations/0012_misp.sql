-- Events of MISP: what groups attributes, so that they can come out as they came in (ADR 24).

create table misp_event (
  uuid uuid not null,
  originator text not null references organisation (id),
  -- Of the event itself: its title, tags and dates.
  handling_id integer not null references handling (id),
  -- The event's timestamp, when it has one; an older one changes nothing.
  modified timestamptz,
  -- JSON, as src/domain/misp-event.ts has it.
  body text not null,
  date_added timestamptz not null,
  primary key (uuid, originator)
);
create index misp_event_order on misp_event (date_added, uuid, originator);

-- What an event consists of. An attribute that is an indicator says what MISP calls it, and nothing of its content: that is the
-- indicator's, and so is its handling. Context and the frames of objects have content and handling of their own.
create table misp_part (
  event uuid not null,
  originator text not null references organisation (id),
  uuid uuid not null,
  kind text not null check (kind in ('attribute', 'context', 'object')),
  ordinal integer not null,
  -- The object it is an attribute of.
  object uuid,
  stix_id uuid,
  handling_id integer references handling (id),
  body text not null,
  primary key (event, originator, kind, uuid),
  check ((kind = 'attribute') = (stix_id is not null)),
  check ((kind = 'attribute') = (handling_id is null))
);
create index misp_part_indicator on misp_part (stix_id, originator) where stix_id is not null;
