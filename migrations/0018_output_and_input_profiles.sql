-- By which marking definitions an account is told TLP labels in STIX.
alter table account add column stix_markings text not null default 'tlp2' check (stix_markings in ('tlp2', 'tlp1', 'opencti'));

-- Handling that an organisation keeps under a name, for what is published to name it (`?handling=`).
create table handling_profile (
  organisation text not null references organisation (id),
  name text not null check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  -- What it says, as JSON: members as of a record, absent ones not said.
  handling text not null,
  amended_at timestamptz not null,
  primary key (organisation, name)
);
