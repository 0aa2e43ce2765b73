-- Indicators refer to their originator and their handling by construction (ADR 14): looking both up for every row was a fifth of what
-- writing it cost. Handlings are append-only already; organisations must stay likewise, under the id that they have.
alter table indicator drop constraint indicator_originator_fkey, drop constraint indicator_handling_id_fkey;
alter table indicator_version drop constraint indicator_version_handling_id_fkey;

create trigger handling_no_truncate before truncate on handling for each statement execute function append_only();
create trigger organisation_no_truncate before truncate on organisation for each statement execute function append_only();
create trigger organisation_stays before delete on organisation for each row execute function append_only();
create trigger organisation_keeps_id before update of id on organisation for each row
  when (new.id <> old.id) execute function append_only();
