import type { Indicator } from './indicator.ts'
import { limits } from './limits.ts'
import { containingPrefixes } from './observables/ip.ts'
import { constituencyKeys, containingKeys, correlationKey } from './observables/keys.ts'
import { registrableDomain } from './observables/name.ts'
import { reversedName } from './observables/reversed-name.ts'
import { observableTypes } from './observables/types.ts'

/**
 * How one indicator is related to another, the closest first. `container`: a prefix or a domain around it, or the address or name
 * inside it. `member`: in this prefix, at this address, or under this name. `neighbour`: in the same /24 (IPv6: /48), or under the
 * same registrable domain.
 */
export const relations = ['same-value', 'container', 'member', 'neighbour', 'same-asn'] as const
export type Relation = (typeof relations)[number]

/** A part of the address space or of the names, without what another relation has already. */
export interface Range {
  readonly relation: 'member' | 'neighbour'
  /** CIDR, or a name with its labels reversed. */
  readonly range: string
  readonly except?: string
}

/** Where to look for what is related to an indicator. */
export interface RelatedPlaces {
  /** Correlation key of its first observable. */
  readonly value: string
  /** Correlation keys. */
  readonly exact: readonly string[]
  readonly containing: readonly string[]
  readonly networks: readonly Range[]
  readonly names: readonly Range[]
  readonly asn?: number
}

/** Neighbours share a prefix of this length: what is usually the smallest that is routed. */
const neighbourhood = { 4: 24, 6: 48 } as const
/** Members are listed of prefixes of this length and longer; what lies in a wider one is a page of its own (`network`). */
const widest = { 4: 16, 6: 32 } as const

/** The places of a whole indicator; of what is masked for the reader nothing is to be looked for. */
export function relatedPlaces({
  type,
  value,
  observables,
  asn,
}: Pick<Indicator, 'type' | 'value' | 'observables' | 'asn'>): RelatedPlaces {
  const looked = observables
    .slice(0, limits.relatedObservables)
    .filter(({ type }) => observableTypes.get(type)?.correlates === true)
  const ranges = looked.slice(0, 1).map(rangesOf)
  const exact = new Set(looked.map(correlationKey))
  return {
    value: correlationKey({ type, value }),
    exact: [...exact],
    containing: [...new Set(looked.flatMap(containingKeys))].filter((key) => !exact.has(key)),
    networks: ranges.flatMap(({ networks }) => networks),
    names: ranges.flatMap(({ names }) => names),
    ...(asn === undefined ? {} : { asn }),
  }
}

const nothing = { networks: [], names: [] }

/** Ranges are looked for by what an indicator is above all, its first observable. */
function rangesOf({ type, value }: Indicator['observables'][number]): Pick<RelatedPlaces, 'networks' | 'names'> {
  const facts = observableTypes.get(type)
  // Mailboxes of one provider have nothing to do with each other.
  if (facts === undefined || (facts.group !== 'network' && facts.group !== 'name')) return nothing
  const { network, domain } = constituencyKeys({ type, value })
  const isPlace = facts.family === 'ip' || facts.family === 'name'
  if (network !== undefined) return { networks: networksAround(network, isPlace), names: [] }
  return domain === undefined ? nothing : { networks: [], names: namesAround(domain, isPlace) }
}

function networksAround(cidr: string, isPlace: boolean): Range[] {
  const family = cidr.includes(':') ? 6 : 4
  const length = Number(cidr.slice(cidr.indexOf('/') + 1))
  const near = neighbourhood[family]
  const around = length > near ? containingPrefixes(cidr).find((prefix) => prefix.endsWith(`/${near}`)) : undefined
  return [
    ...(isPlace && length >= widest[family] ? [{ relation: 'member' as const, range: cidr }] : []),
    ...(around === undefined ? [] : [neighbours(around, isPlace ? cidr : undefined)]),
  ]
}

/** A public suffix is nobody's: what is under it has nothing in common. */
function namesAround(name: string, isPlace: boolean): Range[] {
  const registrable = registrableDomain(name)
  if (registrable === undefined) return []
  const [range, around] = [reversedName(name), reversedName(registrable)]
  return [
    ...(isPlace ? [{ relation: 'member' as const, range }] : []),
    ...(isPlace && range === around ? [] : [neighbours(around, isPlace ? range : undefined)]),
  ]
}

const neighbours = (range: string, except: string | undefined): Range => ({
  relation: 'neighbour',
  range,
  ...(except === undefined ? {} : { except }),
})
