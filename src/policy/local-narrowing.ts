import { canonicalHandling, type Handling, type LawEnforcementUse, lawEnforcementUses } from '../domain/handling.ts'
import type { Jurisdiction } from '../domain/jurisdiction.ts'
import { type Pap, strictestPap } from '../domain/pap.ts'
import { strictness, type Tlp } from '../domain/tlp.ts'

/** What a node holds what comes from others to, besides their own handling. Absent members say nothing. */
export interface Narrowing {
  /** At least this strict. From AMBER up, `organisations` and `communities` are whom it may reach. */
  readonly tlp?: Tlp
  readonly pap?: Pap
  readonly organisations?: readonly string[]
  readonly communities?: readonly string[]
  readonly releasableTo?: readonly Jurisdiction[]
  readonly notReleasableTo?: readonly Jurisdiction[]
  readonly lawEnforcement?: LawEnforcementUse
  readonly personalData?: boolean
  /** False: no masked form. */
  readonly maskable?: boolean
  readonly expiresAt?: string
}

/**
 * A handling narrowed by a node's own policy: the stricter of each. Nobody but the originator may read it who could not before
 * (tested on random worlds); `own` stands above every handling.
 */
export function narrowed(handling: Handling, narrowing: Narrowing): Handling {
  const { releasableTo, expiresAt, ...rest } = handling
  const to = label(handling, narrowing)
  const places = common(releasableTo, narrowing.releasableTo)
  const ends = earlier(expiresAt, narrowing.expiresAt)
  const excluded = [...(handling.notReleasableTo ?? []), ...(narrowing.notReleasableTo ?? [])]
  return canonicalHandling({
    ...rest,
    ...to,
    // Whom RED names was said of RED: it opens nothing to them that was AMBER.
    ...(handling.tlp === 'red' ? {} : { people: [] }),
    pap: strictestPap(handling.pap, narrowing.pap ?? 'clear'),
    ...(places === undefined ? {} : { releasableTo: places }),
    ...(handling.notReleasableTo === undefined && excluded.length === 0 ? {} : { notReleasableTo: excluded }),
    lawEnforcement: stricterUse(handling.lawEnforcement, narrowing.lawEnforcement ?? 'allowed'),
    // Where GREEN becomes AMBER: an audience may name police that GREEN would not reach.
    ...(handling.tlp === 'green' && to.tlp !== 'green' ? { lawEnforcement: 'never' as const } : {}),
    personalData: handling.personalData || narrowing.personalData === true,
    maskable: handling.maskable && narrowing.maskable !== false,
    ...(ends === undefined ? {} : { expiresAt: ends }),
  })
}

/** Label and audience together: an audience means something from AMBER on, and two of them are cut. */
function label(handling: Handling, narrowing: Narrowing): Pick<Handling, 'tlp' | 'organisations' | 'communities'> {
  const tlp =
    strictness(narrowing.tlp ?? 'clear') > strictness(handling.tlp) ? (narrowing.tlp ?? 'clear') : handling.tlp
  const addressed = handling.tlp === 'amber' || handling.tlp === 'amber+strict'
  const cut = (sealed: readonly string[], ours: readonly string[] | undefined): readonly string[] => {
    if (!addressed) return ours ?? []
    return ours === undefined ? sealed : sealed.filter((id) => ours.includes(id))
  }
  if (narrowing.organisations === undefined && narrowing.communities === undefined) {
    return addressed
      ? { tlp, organisations: handling.organisations, communities: handling.communities }
      : { tlp, organisations: [], communities: [] }
  }
  return {
    tlp,
    organisations: cut(handling.organisations, narrowing.organisations ?? []),
    communities: cut(handling.communities, narrowing.communities ?? []),
  }
}

const stricterUse = (a: LawEnforcementUse, b: LawEnforcementUse): LawEnforcementUse =>
  lawEnforcementUses.indexOf(a) >= lawEnforcementUses.indexOf(b) ? a : b

const common = (a: readonly string[] | undefined, b: readonly string[] | undefined): readonly string[] | undefined =>
  a === undefined || b === undefined ? (a ?? b) : a.filter((item) => b.includes(item))

const earlier = (a: string | undefined, b: string | undefined): string | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Date.parse(a) <= Date.parse(b) ? a : b
