-- Legal requests through their whole life. `scope` is JSON text: what was asked for. `named` are the originators in it; `originators` are
-- those of them that consented: what an approved request covers beyond what law enforcement is allowed anyway.
alter table legal_request
  add column named text[] not null default '{}',
  add column filed_at timestamptz,
  add column updated_at timestamptz not null default now(),
  alter column originators set default '{}';
update legal_request set urgency = 'routine' where urgency is null;
alter table legal_request
  alter column urgency set default 'routine',
  alter column urgency set not null,
  add constraint legal_request_urgency check (urgency in ('routine', 'urgent', 'emergency')),
  add constraint legal_request_handling_code check (handling_code in ('H0', 'H1', 'H2', 'H3'));
create index legal_request_liaison on legal_request (liaison, created_at desc, id desc);
create index legal_request_newest on legal_request (created_at desc, id desc);
create index legal_request_named on legal_request using gin (named);
create index legal_request_ending on legal_request (expires_at)
  where state in ('draft', 'filed', 'under-review', 'approved', 'fulfilled');

-- Steps that the clock takes have no account. `side` is on whose part: the liaison, the node, or an originator (its id).
alter table legal_request_step
  alter column account drop not null,
  add column side text not null default 'liaison';
-- What happened is added to, never changed.
create trigger legal_request_step_append_only before update or delete on legal_request_step
  for each row execute function append_only();
