-- Leaves of the audit log by the legal requests that they rest on: the trail of a case. Like the receipt an index beside the text, which is
-- what is hashed; null where there is none.

alter table audit_leaf add column requests uuid[];

alter table audit_leaf disable trigger audit_leaf_append_only;
update audit_leaf set requests = array(select json_array_elements_text(leaf::json -> 'requests')::uuid)
where leaf like '%"requests":["%';
alter table audit_leaf enable trigger audit_leaf_append_only;

create index audit_leaf_requests on audit_leaf using gin (requests) where requests is not null;
