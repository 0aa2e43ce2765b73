-- As of every handling of an indicator (ADR 14): it was given out by a row of `handling`, and those stay. Looked at for each row that is
-- copied in, though it is null there.
alter table indicator drop constraint indicator_last_handling_id_fkey;
