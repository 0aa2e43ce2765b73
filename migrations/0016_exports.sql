-- Exports under legal requests (ADR 29): what is in one is fixed at a position of the feed, item by item, so that it can be gone on with,
-- written again with the same bytes, and taken back. The texts of items go when the package was fetched; what was given stays known.
alter table export
  add column language text not null default 'en' check (language in ('en', 'es', 'pt')),
  add column items integer not null default 0,
  add column done integer not null default 0,
  add column masked integer not null default 0,
  add column attempts integer not null default 0,
  add column fault text,
  -- An earlier export whose content this one has again.
  add column again uuid references export (id),
  -- SHA-256 of manifest.json and of the whole package.
  add column manifest_digest bytea,
  add column digest bytea,
  add column bytes bigint,
  add column signature text,
  -- The leaf of the disclosure, and its proof as it is in the package.
  add column leaf bigint,
  add column proof text,
  add column ready_at timestamptz,
  add column downloaded_at timestamptz,
  add column ended_at timestamptz,
  -- A process works on it until then; others may afterwards.
  add column held_until timestamptz,
  alter column position drop not null,
  add constraint export_state check (state in ('queued', 'running', 'sealing', 'ready', 'downloaded', 'cancelled', 'failed', 'outdated'));
create index export_work on export (created_at) where state in ('queued', 'running', 'sealing');
create index export_request on export (request, created_at);
create index export_account on export (account, created_at desc, id desc);
create index export_manifest on export (manifest_digest) where manifest_digest is not null;

create table export_item (
  export uuid not null references export (id) on delete cascade,
  ordinal integer not null,
  originator text not null,
  stix_id uuid not null,
  version integer not null,
  handling_id integer not null,
  -- The lines of the package: null before they are written, and again after it was fetched.
  stix text,
  csv text,
  handling text,
  -- SHA-256 of the line in indicators.ndjson.
  digest bytea,
  masked boolean not null default false,
  primary key (export, ordinal)
);
create index export_item_indicator on export_item (stix_id, originator);
create index export_item_originator on export_item (originator, export);
