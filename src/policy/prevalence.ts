/** Organisations from which on it may be said of something how many saw it, whoever they are. */
const organisationsFromWhichAllCount = 5

/** Who saw something, as one reader may know them. */
export interface SeenBy {
  /** Ids of organisations that the reader knows by name. */
  readonly named: ReadonlySet<string>
  /** What stands for those that stay anonymous to it. Who they are is not asked, so that no number can tell. */
  readonly aliases: ReadonlySet<string>
  /** Ids of organisations whose reports it may not know of. */
  readonly others: ReadonlySet<string>
}

/**
 * Who counts as having seen it: those known by name or, from five organisations on, all. Whoever is known by an alias counts beside them,
 * whether it is one of them or not, has no jurisdiction, and does not make five of four.
 * @returns how many, and of which organisations the jurisdictions may be told
 */
export function prevalenceFor({ named, aliases, others }: SeenBy): {
  readonly organisations: number
  readonly placed: ReadonlySet<string>
} {
  const all = new Set([...named, ...others])
  const placed = all.size >= organisationsFromWhichAllCount ? all : named
  return { organisations: placed.size + aliases.size, placed }
}
