-- STIX objects that are no indicators (ADR 23). They take positions from `feed_head` like indicators, and stand in no feed of indicators.

create table stix_object (
  originator text not null references organisation (id),
  -- The whole STIX id, `<type>--<uuid>`.
  id text not null,
  version integer not null,
  type text not null,
  -- True for the last version of (originator, id) alone.
  present boolean not null,
  change text not null check (change in ('published', 'revised', 'narrowed', 'recalled')),
  handling_id integer not null references handling (id),
  -- Absent where the type has none: cyber-observables, and `modified` of marking definitions.
  created timestamptz,
  modified timestamptz,
  recalled boolean not null,
  -- Ids of parts: without one of `needs`, or with none of `about`, there is no object for a reader.
  needs text[] not null,
  about text[] not null,
  -- Every id in the text that is pruned where its reader may not see what it names.
  refs text[] not null,
  -- STIX 2.1 object before pruning, TLP 2.0 markings in it.
  stix text not null,
  -- The object exactly as received, where that is not `stix`.
  received text,
  digest bytea not null,
  position bigint not null,
  date_added timestamptz not null,
  primary key (id, originator, version)
);
create unique index stix_object_position on stix_object (position);
create unique index stix_object_present on stix_object (id, originator) where present;
create index stix_object_type on stix_object (type, position);

-- Whether somebody may see what an id names. `bits`: the policy's permission, a bit for each handling id. `depth`: how far parts of
-- parts are followed; what lies deeper is not there.
create function stix_reference_visible(ref text, bits bytea, reader text, depth integer) returns boolean
language plpgsql stable cost 1000 as $$
declare
  found record;
begin
  if starts_with(ref, 'indicator--') then
    return exists (
      select from indicator i where i.stix_id = substr(ref, 12)::uuid
        and i.handling_id < length(bits) * 8 and get_bit(bits, i.handling_id) = 1
        and (not i.recalled or i.originator = reader));
  end if;
  for found in
    select o.needs, o.about from stix_object o where o.id = ref and o.present
      and o.handling_id < length(bits) * 8 and get_bit(bits, o.handling_id) = 1
      and (not o.recalled or o.originator = reader)
  loop
    if stix_parts_visible(found.needs, found.about, bits, reader, depth - 1) then
      return true;
    end if;
  end loop;
  return false;
end $$;

-- Whether what a composed object cannot be without is there for somebody: all of `needs`, and one of `about` where there are any.
create function stix_parts_visible(needs text[], about text[], bits bytea, reader text, depth integer) returns boolean
language plpgsql stable cost 1000 as $$
declare
  ref text;
begin
  if cardinality(needs) = 0 and cardinality(about) = 0 then
    return true;
  end if;
  if depth < 0 then
    return false;
  end if;
  foreach ref in array needs loop
    if not stix_reference_visible(ref, bits, reader, depth) then
      return false;
    end if;
  end loop;
  if cardinality(about) = 0 then
    return true;
  end if;
  foreach ref in array about loop
    if stix_reference_visible(ref, bits, reader, depth) then
      return true;
    end if;
  end loop;
  return false;
end $$;
