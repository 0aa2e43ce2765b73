-- Attributes and objects of events are named by their own UUIDs: to delete, edit or tag one, nothing else is looked at.

create index misp_part_uuid on misp_part (uuid, originator);
create index misp_part_object on misp_part (object, originator) where object is not null;
