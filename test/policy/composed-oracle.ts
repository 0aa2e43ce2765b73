/** One thing that is published: an indicator, or a STIX object in its present version. */
export interface Published {
  readonly id: string
  readonly originator: string
  /** Whether its own handling lets the reader have it, in whatever form it has. */
  readonly permitted: boolean
  readonly recalled: boolean
  /** Without one of these it is not there; of these it takes one; and these are all that it names. */
  readonly needs: readonly string[]
  readonly about: readonly string[]
  readonly names: readonly string[]
}

/**
 * `docs/stix.md`, "What is made of others", read aloud over a plain list: the second reading that the node's answers are compared with. It
 * shares no code with it, and is never made fast.
 */
export class ComposedOracle {
  readonly #all: readonly Published[]
  readonly #organisation: string | undefined

  constructor(all: readonly Published[], organisation: string | undefined) {
    this.#all = all
    this.#organisation = organisation
  }

  /** "A reference that goes out always names something that its reader can get here": parts of parts are followed one step. */
  canGet(one: Published): boolean {
    return this.#isThere(one, 'and the parts of its parts')
  }

  /** The references that are left in its text. */
  left(one: Published): readonly string[] {
    return one.names.filter((id) => this.#means(id, one.originator).some((meant) => this.canGet(meant)))
  }

  #isThere(one: Published, looking: 'and the parts of its parts' | 'and its parts' | 'at itself alone'): boolean {
    if (!one.permitted || (one.recalled && one.originator !== this.#organisation)) return false
    if (one.needs.length + one.about.length === 0) return true
    if (looking === 'at itself alone') return false
    const nearer = looking === 'and its parts' ? 'at itself alone' : 'and its parts'
    const isPartThere = (id: string) => this.#means(id, one.originator).some((part) => this.#isThere(part, nearer))
    const lacksAny = one.needs.some((id) => !isPartThere(id))
    const lacksAll = one.about.length > 0 && !one.about.some(isPartThere)
    return !lacksAny && !lacksAll
  }

  /** What an originator published under an id is what it means by it; otherwise whatever anybody did. */
  #means(id: string, originator: string): readonly Published[] {
    const named = this.#all.filter((each) => each.id === id)
    const own = named.filter((each) => each.originator === originator)
    return own.length > 0 ? own : named
  }
}
