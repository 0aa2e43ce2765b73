import type { Attribution, LawEnforcementUse } from '../../domain/handling.ts'
import type { Pap } from '../../domain/pap.ts'
import type { Tlp } from '../../domain/tlp.ts'
import { accounts, communities, operator, organisations } from './cast.ts'
import type { Random } from './random.ts'

/** What a generated record says about handling. */
export interface DemoHandling {
  readonly tlp: Tlp
  readonly pap?: Pap
  readonly audience?: readonly string[]
  readonly people?: readonly string[]
  readonly releasableTo?: readonly string[]
  readonly notReleasableTo?: readonly string[]
  readonly lawEnforcement?: LawEnforcementUse
  readonly attribution?: Attribution
  readonly personalData?: boolean
  readonly expiresAt?: string
}

const dayMs = 86_400_000

/** A mix as a national feed has it: mostly GREEN, some CLEAR, AMBER to groups and to single teams, seldom RED. */
export function handlingFor(organisation: string, personal: boolean, random: Random, now: Date): DemoHandling {
  const tlp = random.weighted<Tlp>([
    // what is about a person is never for everybody
    ['clear', personal ? 0 : 15],
    ['green', personal ? 10 : 45],
    ['amber', 27],
    ['amber+strict', 10],
    ['red', 3],
  ])
  return {
    tlp,
    ...recipients(organisation, tlp, random),
    ...(personal ? { personalData: true } : {}),
    ...(random.chance(30) ? { pap: random.pick<Pap>(['clear', 'amber', 'red']) } : {}),
    ...(random.chance(15) ? { lawEnforcement: random.pick<LawEnforcementUse>(['allowed', 'never']) } : {}),
    ...(random.chance(5) ? { expiresAt: new Date(now.getTime() + random.between(-3, 40) * dayMs).toISOString() } : {}),
    ...limits(organisation, random),
  }
}

function recipients(organisation: string, tlp: Tlp, random: Random): Partial<DemoHandling> {
  if (tlp === 'clear' || tlp === 'green') return {}
  if (tlp === 'red') return { people: [random.pick(peopleBeside(organisation))] }
  const own = communities.filter(({ id, members }) => id !== 'node-lac' && members.includes(organisation))
  const [first, ...more] = own.map(({ id }) => id)
  if (first === undefined || random.chance(40)) return { audience: [random.pick(teamsBeside(organisation))] }
  const community = random.pick([first, ...more])
  const anonymous = community === 'banking-fraud' && random.chance(60)
  return { audience: [`community:${community}`], ...(anonymous ? { attribution: 'anonymous' } : {}) }
}

function limits(organisation: string, random: Random): Partial<DemoHandling> {
  const home = [operator, ...organisations].find(({ id }) => id === organisation)?.jurisdiction ?? 'UY'
  if (random.chance(3)) return { notReleasableTo: ['US'] }
  return random.chance(3) ? { releasableTo: [...new Set([home, 'CL', 'BR', 'UY'])] } : {}
}

function teamsBeside(organisation: string): [string, ...string[]] {
  const teams = organisations.filter(({ id, kind }) => kind === 'national-cert' && id !== organisation)
  const [first = operator.id, ...more] = teams.map(({ id }) => id)
  return [first, ...more]
}

function peopleBeside(organisation: string): [string, ...string[]] {
  const people = accounts.filter((each) => each.organisation !== organisation && !each.roles.includes('liaison'))
  const [first = 'lucia.lacnic', ...more] = people.map(({ id }) => id)
  return [first, ...more]
}
