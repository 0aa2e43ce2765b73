-- Proof: the tree over the audit log (RFC 6962), its signed heads, and what a later auditor needs to ask the policy again.

-- Seed of the Ed25519 key that signs checkpoints: 32 random bytes, made at the first start that finds none.
alter table node add column signing_key bytea;

-- Which push an act belongs to, so that its publisher finds the leaf by the receipt.
alter table audit_leaf add column receipt uuid;
create index audit_leaf_receipt on audit_leaf (receipt) where receipt is not null;
create index audit_leaf_actor on audit_leaf (actor, id);

-- Leaves without a place in the tree yet. Numbers of leaves come from a sequence: they have gaps and commit out of order,
-- so a leaf is taken when it is seen here, and nothing is inferred from numbers (ADR 13).
create table audit_pending (
  leaf bigint primary key
);
insert into audit_pending select id from audit_leaf;
create function audit_leaf_pending() returns trigger language plpgsql as $$
begin
  insert into audit_pending select id from added;
  return null;
end $$;
create trigger audit_leaf_pending after insert on audit_leaf referencing new table as added
  for each statement execute function audit_leaf_pending();

-- The order of the tree: the order in which leaves were taken into it.
create table audit_tree (
  index bigint primary key check (index >= 0),
  leaf bigint not null unique,
  -- SHA-256 over 0x00 and the text of the leaf.
  hash bytea not null
);
create index audit_tree_hash on audit_tree using hash (hash);

-- Inner nodes of complete subtrees, every fourth level; from them any proof is made.
create table audit_node (
  level smallint not null check (level > 0 and level % 4 = 0),
  index bigint not null,
  hash bytea not null,
  primary key (level, index)
);

-- What decisions rested on, by the SHA-256 of its text: the facts about a reader, and the agreements and jurisdictions of the day.
create table audit_basis (
  digest bytea primary key,
  body text not null
);

create trigger audit_tree_append_only before update or delete on audit_tree for each row execute function append_only();
create trigger audit_node_append_only before update or delete on audit_node for each row execute function append_only();
create trigger audit_basis_append_only before update or delete on audit_basis for each row execute function append_only();
-- Handlings are interned for ever: past decisions are asked about them again.
create trigger handling_append_only before update or delete on handling for each row execute function append_only();
-- A subject may be erased, never rewritten.
create trigger audit_subject_only_erased before update on audit_subject for each row execute function append_only();

create trigger audit_leaf_no_truncate before truncate on audit_leaf for each statement execute function append_only();
create trigger audit_tree_no_truncate before truncate on audit_tree for each statement execute function append_only();
create trigger audit_node_no_truncate before truncate on audit_node for each statement execute function append_only();
create trigger audit_basis_no_truncate before truncate on audit_basis for each statement execute function append_only();
create trigger audit_checkpoint_no_truncate before truncate on audit_checkpoint for each statement execute function append_only();
