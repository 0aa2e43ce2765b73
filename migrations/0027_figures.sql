-- Figures of years that are over, as they were published (ADR 37): what becomes of a request afterwards moves none of them.
create table published_figures (
  year integer primary key,
  -- JSON.
  figures text not null,
  at timestamptz not null
);
create trigger published_figures_append_only before update or delete on published_figures
  for each row execute function append_only();
