import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Ajv, type Schema } from 'ajv'
import { parse } from 'yaml'
import { type Account, checkRoles } from '../../src/domain/account.ts'
import type { Agreement, Purpose } from '../../src/domain/agreement.ts'
import type { Effect, RuleId } from '../../src/domain/decision.ts'
import type { Handling } from '../../src/domain/handling.ts'
import type { Community, Organisation } from '../../src/domain/organisation.ts'
import { anonymous, type LegalGrant, type Reader, type World } from '../../src/domain/reader.ts'

/** The cast: everyone and everything a directory knows. */
export interface CaseWorld {
  readonly organisations: readonly Organisation[]
  readonly accounts: readonly Account[]
  readonly clients: readonly { readonly provider: string; readonly client: string }[]
  readonly communities: readonly Community[]
  /** The community whose law-enforcement members may read TLP:GREEN. */
  readonly nodeCommunity: string
  readonly agreements: readonly Agreement[]
}

/** One row of the truth table. */
export interface PolicyCase {
  /** The file it stands in, without `.yaml`. */
  readonly file: string
  /** A sentence; unique over all files. */
  readonly case: string
  /** An account of the cast, or `anonymous`. */
  readonly reader: string
  readonly handling: Handling
  readonly purpose: Purpose
  /** ISO 8601. */
  readonly at: string
  readonly grants: readonly LegalGrant[]
  /** False when no door can bring the case about; `because` then says why. */
  readonly doors: boolean
  readonly because?: string
  readonly expect: {
    readonly effect: Effect
    readonly reason: RuleId
    /** Sorted ids of every agreement it may rest on; absent when it needs none. */
    readonly agreement?: readonly string[]
    /** Whether PAP lets the handling into a blocking output; absent when the case is not about PAP. */
    readonly mayBlock?: boolean
  }
}

/** The instant of every case that does not say another. */
export const defaultAt = '2026-06-01T00:00:00.000Z'

const caseDefaults = { purpose: 'defence', at: defaultAt, grants: [], doors: true } as const

/** The defaults of a handling, and a value that is not personal data. */
const handlingDefaults: Omit<Handling, 'originator' | 'tlp'> = {
  pap: 'green',
  organisations: [],
  communities: [],
  people: [],
  lawEnforcement: 'on-request',
  personalData: false,
  maskable: false,
  attribution: 'named',
}

const worldSchema: Schema = { $ref: 'schema.yaml#/$defs/world' }
const casesSchema: Schema = { type: 'array', items: { $ref: 'schema.yaml#/$defs/case' } }

/** @throws {Error} when `world.yaml` breaks `schema.yaml` or refers to what is not in it */
export function loadWorld(): CaseWorld {
  const written = read<CaseWorld>('world.yaml', worldSchema)
  const organisations = written.organisations.map((one) => ({ ...one, disabled: false }))
  const accounts = written.accounts.map((one) => ({ ...one, roles: checkRoles(one.roles), disabled: false }))
  const known = ids(organisations)
  ids(accounts)
  ids(written.agreements)
  mustKnow(known, [
    ...accounts.map(({ organisation }) => organisation),
    ...written.clients.flatMap(({ provider, client }) => [provider, client]),
    ...written.communities.flatMap(({ members }) => members),
  ])
  mustKnow(ids(written.communities), [written.nodeCommunity])
  return { ...written, organisations, accounts }
}

/** @throws {Error} when a case breaks `schema.yaml`, is there twice, or claims a door that cannot bring it about */
export function loadCases(): PolicyCase[] {
  const world = loadWorld()
  const names = readdirSync(directory()).filter((name) => name.endsWith('.yaml'))
  const files = names.filter((name) => name !== 'world.yaml' && name !== 'schema.yaml').sort()
  const cases = files.flatMap((name) =>
    read<WrittenCase[]>(name, casesSchema).map((written) => ({
      ...caseDefaults,
      ...written,
      file: name.slice(0, -'.yaml'.length),
      handling: { ...handlingDefaults, ...written.handling },
    })),
  )
  ids(cases.map((one) => ({ id: one.case })))
  for (const one of cases) if (one.doors) checkDoors(one, world)
  return cases
}

/**
 * What the directory knows of an account, as the policy is asked about it.
 * @throws {Error} for an account that is not of the cast
 */
export function readerOf(world: CaseWorld, accountId: string, grants: readonly LegalGrant[]): Reader {
  if (accountId === 'anonymous') return { ...anonymous, grants }
  const account = world.accounts.find(({ id }) => id === accountId)
  const organisation = world.organisations.find(({ id }) => id === account?.organisation)
  if (account === undefined || organisation === undefined) throw new Error(`"${accountId}" is not of the cast`)
  const communities = communitiesOf(world, organisation.id)
  return {
    account: account.id,
    roles: account.roles,
    organisation: { id: organisation.id, kind: organisation.kind, jurisdiction: organisation.jurisdiction },
    communities,
    providers: world.clients
      .filter(({ client }) => client === organisation.id)
      .map(({ provider }) => ({ id: provider, communities: communitiesOf(world, provider) })),
    greenMember: communities.includes(world.nodeCommunity),
    grants,
  }
}

/** The facts that are no reader's own. */
export function worldOf(world: CaseWorld): World {
  return {
    agreements: world.agreements,
    jurisdictions: new Map(world.organisations.map(({ id, jurisdiction }) => [id, jurisdiction])),
  }
}

/** A case as it stands in its file; what it leaves out has the defaults above. */
type WrittenCase = Pick<PolicyCase, 'case' | 'reader' | 'expect'> &
  Partial<Pick<PolicyCase, 'purpose' | 'at' | 'grants' | 'because'>> & {
    readonly doors?: false
    readonly handling: Partial<Handling> & Pick<Handling, 'originator' | 'tlp'>
  }

const communitiesOf = (world: CaseWorld, organisation: string): string[] =>
  world.communities.filter(({ members }) => members.includes(organisation)).map(({ id }) => id)

/** Somebody can publish it, to an audience that exists, and file its legal requests. */
function checkDoors(one: PolicyCase, world: CaseWorld): void {
  const { handling, grants } = one
  const { tlp, organisations, communities, people } = handling
  const publishers = world.accounts.filter(({ roles }) => roles.includes('publisher'))
  mustKnow(new Set(publishers.map(({ organisation }) => organisation)), [handling.originator])
  mustKnow(ids(world.organisations), [...organisations, ...grants.flatMap(({ originators }) => originators)])
  mustKnow(ids(world.communities), communities)
  mustKnow(ids(world.accounts), people)
  const addressed = organisations.length + communities.length > 0
  const refused =
    handling.unknown === true ||
    ((tlp === 'amber' || tlp === 'amber+strict') && !addressed) ||
    (tlp === 'red' && people.length === 0) ||
    grants.some(({ originators }) => originators.length === 0)
  if (refused) throw new Error(`no door can bring about "${one.case}"`)
}

/** @throws {Error} when an id is there twice */
function ids(items: readonly { readonly id: string }[]): ReadonlySet<string> {
  const set = new Set<string>()
  for (const { id } of items) {
    if (set.has(id)) throw new Error(`"${id}" is there twice`)
    set.add(id)
  }
  return set
}

function mustKnow(known: ReadonlySet<string>, wanted: readonly string[]): void {
  for (const id of wanted) if (!known.has(id)) throw new Error(`"${id}" is not of the cast`)
}

/** Reads a file of `test/cases` and holds it to a part of `schema.yaml`. */
function read<T>(name: string, part: Schema): T {
  const isValid = validators().compile<T>(part)
  const written: unknown = parse(text(name))
  if (!isValid(written)) throw new Error(`${name}: ${JSON.stringify(isValid.errors)}`)
  return written
}

let compiled: Ajv | undefined
function validators(): Ajv {
  compiled ??= new Ajv({ strictTypes: false }).addSchema(parse(text('schema.yaml')), 'schema.yaml')
  return compiled
}

const text = (name: string): string => readFileSync(join(directory(), name), 'utf8')

/** `test/cases`, found upwards: the compiled tests stand deeper than their sources, and YAML is not compiled. */
function directory(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    const candidate = join(folder, 'test', 'cases')
    if (existsSync(join(candidate, 'world.yaml'))) return candidate
  }
  throw new Error('test/cases/world.yaml is nowhere above this file')
}
