-- What is made of others is judged in memory by the policy (ADR 25); the statements read what it is judged by.
drop function stix_parts_visible(text[], text[], bytea, text, integer);
drop function stix_reference_visible(text, bytea, text, integer);
