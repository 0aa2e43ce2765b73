import type { Jurisdiction } from './jurisdiction.ts'
import { type Pap, strictestPap } from './pap.ts'
import { strictestTlp, type Tlp } from './tlp.ts'

export const lawEnforcementUses = ['allowed', 'on-request', 'never'] as const
/** Whether law enforcement may have it; from the freest to the strictest. */
export type LawEnforcementUse = (typeof lawEnforcementUses)[number]

export const attributions = ['named', 'anonymous'] as const
export type Attribution = (typeof attributions)[number]

/**
 * Everything that decides who may see an indicator and what they may do with it. It travels with the indicator.
 * Lists are sorted and free of repetitions, so that equal handlings have equal digests.
 */
export interface Handling {
  /** Organisation id; always the authenticated publisher, never taken from a body. */
  readonly originator: string
  readonly tlp: Tlp
  readonly pap: Pap
  /** Organisation ids that AMBER and AMBER+STRICT reach directly. */
  readonly organisations: readonly string[]
  /** Community ids whose members AMBER and AMBER+STRICT reach. */
  readonly communities: readonly string[]
  /** Account ids that RED reaches. */
  readonly people: readonly string[]
  /** When present, only these jurisdictions; an empty list is nobody's. */
  readonly releasableTo?: readonly Jurisdiction[]
  readonly notReleasableTo?: readonly Jurisdiction[]
  readonly lawEnforcement: LawEnforcementUse
  readonly personalData: boolean
  /** Whether the value has a masked form (ADR 3); meaningful only with `personalData`, false without it. */
  readonly maskable: boolean
  readonly attribution: Attribution
  /** ISO 8601 UTC with milliseconds. */
  readonly expiresAt?: string
  /** True when the input carried a marking, version or critical field this node does not know: nobody sees it. */
  readonly unknown?: boolean
}

const sorted = (values: readonly string[]): string[] => [...new Set(values)].sort()

/** The one spelling of a handling: sorted lists, no absent keys, fixed key order. Interning digests this text. */
export function canonicalHandling(handling: Handling): Handling {
  return {
    originator: handling.originator,
    tlp: handling.tlp,
    pap: handling.pap,
    organisations: sorted(handling.organisations),
    communities: sorted(handling.communities),
    people: sorted(handling.people),
    ...(handling.releasableTo === undefined ? {} : { releasableTo: sorted(handling.releasableTo) }),
    ...(handling.notReleasableTo === undefined ? {} : { notReleasableTo: sorted(handling.notReleasableTo) }),
    lawEnforcement: handling.lawEnforcement,
    personalData: handling.personalData,
    maskable: handling.personalData && handling.maskable,
    attribution: handling.attribution,
    ...(handling.expiresAt === undefined ? {} : { expiresAt: new Date(handling.expiresAt).toISOString() }),
    ...(handling.unknown === true ? { unknown: true } : {}),
  }
}

/** Handlings are shared by thousands of records of a batch: each is spelled once. */
const spelled = new WeakMap<Handling, string>()

/** The text that interning digests and stores. */
export function handlingText(handling: Handling): string {
  const known = spelled.get(handling)
  if (known !== undefined) return known
  const text = JSON.stringify(canonicalHandling(handling))
  spelled.set(handling, text)
  return text
}

/**
 * What an input says about handling, before the publisher's defaults and the type are joined to it.
 * Absent means "not said". `audience` items are organisation ids or `community:<id>`.
 */
export interface HandlingInput {
  readonly tlp?: Tlp
  readonly pap?: Pap
  readonly audience?: readonly string[]
  readonly people?: readonly string[]
  readonly releasableTo?: readonly Jurisdiction[]
  readonly notReleasableTo?: readonly Jurisdiction[]
  readonly lawEnforcement?: LawEnforcementUse
  readonly personalData?: boolean
  readonly attribution?: Attribution
  readonly expiresAt?: string
}

const stricter = <T>(order: readonly T[], a: T | undefined, b: T | undefined): T | undefined => {
  if (a === undefined) return b
  if (b === undefined) return a
  return order.indexOf(a) >= order.indexOf(b) ? a : b
}

const both = (a: readonly string[] | undefined, b: readonly string[] | undefined): readonly string[] | undefined => {
  if (a === undefined) return b
  if (b === undefined) return a
  return a.filter((item) => b.includes(item))
}

/** The audience item that stands for the publisher's own organisation: always part of an audience, said or not. */
export const ownAudience = '@own'

/** Two audiences: those whom both name. The publisher's own organisation is in every one, so it stays when either says so. */
function bothAudiences(
  a: readonly string[] | undefined,
  b: readonly string[] | undefined,
): readonly string[] | undefined {
  const common = both(a, b)
  const own = a !== undefined && b !== undefined && (a.includes(ownAudience) || b.includes(ownAudience))
  return own && common?.includes(ownAudience) === false ? [...common, ownAudience] : common
}

const either = (a: readonly string[] | undefined, b: readonly string[] | undefined): readonly string[] | undefined =>
  a === undefined && b === undefined ? undefined : sorted([...(a ?? []), ...(b ?? [])])

const earlier = (a: string | undefined, b: string | undefined): string | undefined => {
  if (a === undefined) return b
  if (b === undefined) return a
  return Date.parse(a) <= Date.parse(b) ? a : b
}

const defined = <T extends object>(value: { [K in keyof T]: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T

/** Two statements about one thing: the stricter of each field. Audiences that both name are intersected. */
export function strictestInput(a: HandlingInput, b: HandlingInput): HandlingInput {
  return defined<HandlingInput>({
    tlp: a.tlp === undefined ? b.tlp : b.tlp === undefined ? a.tlp : strictestTlp(a.tlp, b.tlp),
    pap: a.pap === undefined ? b.pap : b.pap === undefined ? a.pap : strictestPap(a.pap, b.pap),
    audience: bothAudiences(a.audience, b.audience),
    people: both(a.people, b.people),
    releasableTo: both(a.releasableTo, b.releasableTo),
    notReleasableTo: either(a.notReleasableTo, b.notReleasableTo),
    lawEnforcement: stricter(lawEnforcementUses, a.lawEnforcement, b.lawEnforcement),
    personalData: a.personalData === true || b.personalData === true ? true : (a.personalData ?? b.personalData),
    attribution: stricter(attributions, a.attribution, b.attribution),
    expiresAt: earlier(a.expiresAt, b.expiresAt),
  })
}
