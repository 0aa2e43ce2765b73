import type { Agreement } from '../../src/domain/agreement.ts'
import type { Handling } from '../../src/domain/handling.ts'
import type { Reader, World } from '../../src/domain/reader.ts'
import { agreement, green, readerAt } from './cast.ts'

/** The directory of the simulated nodes. All begin with the same; each hears of changes at its own time. */
export interface ModelDirectory {
  readonly organisations: readonly { readonly id: string; readonly jurisdiction: string; readonly home: number }[]
  readonly members: Readonly<Record<string, readonly string[]>>
  readonly agreements: readonly Agreement[]
  readonly expelled: readonly number[]
}

export type Change =
  | { readonly kind: 'join' | 'leave'; readonly community: string; readonly organisation: string }
  | { readonly kind: 'agree'; readonly agreement: Agreement }
  | { readonly kind: 'end'; readonly id: string }
  | { readonly kind: 'expel'; readonly node: number }

/** Numbers from a seed (mulberry32): the same seed, the same run. */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 to 1, 1 excluded. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }

  below(n: number): number {
    return Math.floor(this.next() * n)
  }

  is(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)]
    if (item === undefined) throw new Error('nothing to pick from')
    return item
  }

  some<T>(items: readonly T[], probability = 0.5): T[] {
    return items.filter(() => this.is(probability))
  }
}

const places = ['BR', 'CL', 'UY']
export const communities = ['banks', 'schools']

/** The node that keeps the members of a community: the first keeps the banks, the second the schools. */
export const keeperOf = (community: string): number => communities.indexOf(community)

export function firstDirectory(chance: Chance, nodes: number): ModelDirectory {
  const organisations = Array.from({ length: nodes }, (_, home) =>
    Array.from({ length: 1 + chance.below(2) }, (_, n) => ({
      id: `org-${home}-${n}`,
      jurisdiction: chance.pick(places),
      home,
    })),
  ).flat()
  const ids = organisations.map(({ id }) => id)
  const members = Object.fromEntries(communities.map((id) => [id, chance.some(ids)]))
  const agreements = [agreementOf(chance, 'first'), agreementOf(chance, 'second')]
  return { organisations, members, agreements, expelled: [] }
}

const agreementOf = (chance: Chance, id: string): Agreement => ({
  ...agreement,
  id,
  parties: chance.is(0.6) ? places : chance.some(places, 0.8),
  maxTlp: chance.pick(['green', 'amber', 'amber+strict', 'amber+strict'] as const),
})

export function randomChange(chance: Chance, directory: ModelDirectory, number: number): Change {
  const ids = directory.organisations.map(({ id }) => id)
  const kind = chance.pick(['join', 'leave', 'leave', 'agree', 'end'] as const)
  switch (kind) {
    case 'join':
    case 'leave':
      return { kind, community: chance.pick(communities), organisation: chance.pick(ids) }
    case 'agree':
      return { kind, agreement: agreementOf(chance, `agreement-${number}`) }
    case 'end':
      return { kind, id: chance.pick([...directory.agreements.map(({ id }) => id), 'none']) }
  }
}

export function changed(directory: ModelDirectory, change: Change): ModelDirectory {
  switch (change.kind) {
    case 'join':
    case 'leave': {
      const without = (directory.members[change.community] ?? []).filter((id) => id !== change.organisation)
      const members = change.kind === 'leave' ? without : [...without, change.organisation]
      return { ...directory, members: { ...directory.members, [change.community]: members } }
    }
    case 'agree':
      return { ...directory, agreements: [...directory.agreements, change.agreement] }
    case 'end':
      return { ...directory, agreements: directory.agreements.filter(({ id }) => id !== change.id) }
    case 'expel':
      return { ...directory, expelled: [...directory.expelled, change.node] }
  }
}

/** Where an organisation is at home. */
export const homeOfModel = ({ organisations }: ModelDirectory, id: string): number | undefined =>
  organisations.find((each) => each.id === id)?.home

/** What is made of a directory, once. */
function onceFor<T>(make: (directory: ModelDirectory, node: number | undefined) => T) {
  const made = new WeakMap<ModelDirectory, Map<number | undefined, T>>()
  return (directory: ModelDirectory, node?: number): T => {
    const known = made.get(directory) ?? new Map<number | undefined, T>()
    made.set(directory, known)
    const one = known.get(node) ?? make(directory, node)
    known.set(node, one)
    return one
  }
}

/** The organisations at home at a node, as the policy sees them; of all nodes when none is named. */
export const readersAt = onceFor((directory, node): readonly Reader[] =>
  directory.organisations
    .filter(({ home }) => node === undefined || home === node)
    .map(({ id, jurisdiction }) =>
      readerAt(id, jurisdiction, {
        communities: communities.filter((each) => directory.members[each]?.includes(id)),
        // The first organisation of a node serves the second.
        providers: id.endsWith('-1')
          ? [
              {
                id: id.replace(/1$/, '0'),
                communities: communities.filter((each) => directory.members[each]?.includes(id.replace(/1$/, '0'))),
              },
            ]
          : [],
      }),
    ),
)

export const worldOf = onceFor(
  (directory): World => ({
    agreements: directory.agreements,
    jurisdictions: new Map(directory.organisations.map(({ id, jurisdiction }) => [id, jurisdiction])),
  }),
)

export function randomHandling(chance: Chance, directory: ModelDirectory, originator: string, at: number): Handling {
  const ids = directory.organisations.map(({ id }) => id)
  const tlp = chance.pick(['clear', 'green', 'green', 'amber', 'amber', 'amber+strict', 'red'] as const)
  const addressed = tlp === 'amber' || tlp === 'amber+strict'
  return green(originator, {
    tlp,
    pap: chance.pick(['clear', 'green', 'amber']),
    organisations: addressed ? [...new Set([originator, ...chance.some(ids, 0.4)])].sort() : [],
    communities: addressed ? chance.some(communities, 0.4).sort() : [],
    ...(chance.is(0.1) ? { notReleasableTo: chance.some(places, 0.4).sort() } : {}),
    ...(chance.is(0.1) ? { releasableTo: chance.some(places, 0.8).sort() } : {}),
    ...(chance.is(0.1) ? { expiresAt: new Date(at + chance.below(4) * 3_600_000).toISOString() } : {}),
  })
}
