-- Blocklists that somebody saved, the keys with which machines fetch them, and warninglists.

-- A filter under a name. What it holds is decided at each reading by what its account may see then.
create table blocklist (
  id text primary key check (id ~ '^list-[0-9a-f]{12}$'),
  account text not null references account (id),
  name text not null,
  -- JSON, as it was checked when it was saved.
  filter text not null,
  created_at timestamptz not null default now(),
  removed_at timestamptz
);
create index blocklist_account on blocklist (account);

-- Firewalls and resolvers can send no more than a URL: a key is good for reading one list, and for nothing else. It is asked about at
-- every batch of every reading, so ending one need not raise the policy epoch.
create table blocklist_key (
  id text primary key check (id ~ '^[0-9a-f]{12}$'),
  blocklist text not null references blocklist (id),
  digest bytea not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz
);
create index blocklist_key_blocklist on blocklist_key (blocklist);

-- Lists of known values in MISP's format; each process keeps them in memory, as of `warninglist_version`.
create table warninglist (
  name text primary key,
  version bigint not null,
  description text not null,
  category text not null,
  kind text not null check (kind in ('string', 'hostname', 'cidr', 'substring')),
  -- Types of values it is about; empty: all.
  types text[] not null,
  entries text[] not null,
  loaded_at timestamptz not null default now()
);

create table warninglist_version (
  one boolean primary key default true check (one),
  version bigint not null
);
insert into warninglist_version (version) values (1);

create function raise_warninglist_version() returns trigger language plpgsql as $$
begin
  update warninglist_version set version = version + 1;
  return null;
end $$;
create trigger warninglist_change after insert or update or delete or truncate on warninglist
  for each statement execute function raise_warninglist_version();
