-- What people write to each other about indicators is over some day (ADR 36): it is there for nobody, and deleted when no hold keeps it.
alter table assistance add column over_at timestamptz;
alter table reply add column over_at timestamptz;
alter table attribution_request add column over_at timestamptz;
create index assistance_over on assistance (over_at) where over_at is not null;
create index reply_over on reply (over_at) where over_at is not null;
create index attribution_request_over on attribution_request (over_at) where over_at is not null;
create index reply_indicator on reply (stix_id, originator);
create index attribution_request_indicator on attribution_request (stix_id, originator);

-- What is over is in nobody's way who begins anew.
alter table reply drop constraint reply_replier_originator_stix_id_key;
create unique index reply_open on reply (replier, originator, stix_id) where over_at is null;

-- Steps are never changed, and go with what is over.
create function append_only_until_over() returns trigger language plpgsql as $$
declare
  over boolean := false;
begin
  if tg_op = 'DELETE' then
    execute format('select over_at is not null from %I where id = $1', tg_argv[0]) into over
      using (to_jsonb(old) ->> tg_argv[1])::uuid;
  end if;
  if over is not true then
    raise exception '% is append-only', tg_table_name using errcode = 'PU002';
  end if;
  return old;
end $$;
drop trigger assistance_step_append_only on assistance_step;
drop trigger reply_message_append_only on reply_message;
drop trigger attribution_request_step_append_only on attribution_request_step;
create trigger assistance_step_append_only before update or delete on assistance_step
  for each row execute function append_only_until_over('assistance', 'assistance');
create trigger reply_message_append_only before update or delete on reply_message
  for each row execute function append_only_until_over('reply', 'reply');
create trigger attribution_request_step_append_only before update or delete on attribution_request_step
  for each row execute function append_only_until_over('attribution_request', 'request');

-- What the log was told of one of them: erased with it.
create index audit_subject_words on audit_subject
  (substring(subject from '^\{"(?:assistance|reply|request)":(?:\{"id":)?"([0-9a-f-]{36})"'))
  where subject ~ '^\{"(?:assistance|reply|request)":(?:\{"id":)?"';

-- A receipt of what was asked keeps its id and nothing that was said.
update receipt set answer = '{"id":"' || (answer::json ->> 'id') || '"}'
where status = 201 and starts_with(answer, '{"id":"') and answer::json ->> 'dueAt' is not null;
create index receipt_made on receipt (answer) where starts_with(answer, '{"id":"');

-- Those about what was purged before are over.
update reply r set over_at = now() from indicator i
  where i.stix_id = r.stix_id and i.originator = r.originator and i.purged_at is not null;
update attribution_request r set over_at = now() from indicator i
  where i.stix_id = r.stix_id and i.originator = r.originator and i.purged_at is not null;

-- What the rules of retention look for, every ten minutes: of 500,000 rows without it each of them was read.
create index indicator_kept on indicator (handling_id) where purged_at is null;
