-- What holds keep (ADR 33): found by every observable, and given where its originator's node recalled it, or its sharing ended there.

-- Keys of the further observables of a compound one, as `value_key` is that of the first.
alter table escrow add column other_keys bytea[] not null default '{}';
update escrow e set other_keys = array(
  select o.value_key from indicator_observable o
  where o.originator = e.originator and o.stix_id = e.stix_id
    and jsonb_build_array(jsonb_build_object('type', o.type, 'value', o.value)) <@ e.others::jsonb
  order by o.ordinal)
where e.compound;

-- Why an indicator was let go of: of another node, or by retention. Null for what stands, and for what was recalled here.
alter table indicator add column let_go text check (let_go in ('recalled', 'ended', 'narrowed', 'unbelieved'));
-- Under what it stood until then, where a hold outlasts that: what was narrowed or is not believed any more has none.
alter table indicator add column last_handling_id integer references handling (id);

-- That something ended or was narrowed is no recall; if it is recalled afterwards, that is.
drop trigger indicator_recalled on indicator;
create trigger indicator_recalled after update of recalled, let_go on indicator for each row
  when (new.recalled and new.purged_at is null and coalesce(new.let_go, 'recalled') in ('recalled', 'unbelieved')
    and not (old.recalled and coalesce(old.let_go, 'recalled') in ('recalled', 'unbelieved')))
  execute function tell_of_recall();
create or replace function tell_of_recall() returns trigger language plpgsql as $$
begin
  insert into claw_back (export, ordinal, recalled_at)
    -- What was let go of before keeps its place in the feed, and its time.
    select e.export, e.ordinal, case when old.recalled then now() else new.date_added end from export_item e
    where e.stix_id = new.stix_id and e.originator = new.originator and e.hold is null
    on conflict do nothing;
  return null;
end $$;
