-- That a peer showed that it has an indicator that it was not given here: it is told of its recall all the same.
alter table peer_holding add column shown boolean not null default false;
create index peer_holding_shown on peer_holding (peer) where shown;
