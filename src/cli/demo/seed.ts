import type { IssuedKey } from '../../actions/keys.ts'
import type { SetUp } from '../../actions/set-up.ts'
import type { Role } from '../../domain/account.ts'
import { call, path, type Target } from '../client.ts'
import * as cast from './cast.ts'

/** An account of the demo with its key, as it is printed. */
export interface DemoAccount {
  readonly id: string
  readonly name: string
  /** Organisation id. */
  readonly organisation: string
  /** ISO 3166-1 alpha-2. */
  readonly country: string
  readonly roles: readonly Role[]
  readonly apiKey: string
}

/**
 * Fills the directory over REST, each act by the office it belongs to: the administrator enrols and issues keys, the policy
 * officer founds communities and enters agreements.
 * @param offices as the set-up of the operator gave them
 */
export async function seedDirectory(url: string, offices: SetUp['accounts']): Promise<DemoAccount[]> {
  const administrator = officer(url, offices, 'administrator')
  const policyOfficer = officer(url, offices, 'policy-officer')
  for (const { constituency, ...organisation } of [cast.operator, ...cast.organisations]) {
    if (organisation.id !== cast.operator.id) await post(administrator, '/v1/organisations', organisation)
    await put(administrator, path('v1', 'organisations', organisation.id, 'constituency'), { entries: constituency })
  }
  for (const { provider, client } of cast.clients) {
    await put(administrator, path('v1', 'organisations', provider, 'clients', client))
  }
  for (const { members, ...community } of cast.communities) {
    await post(policyOfficer, '/v1/communities', community)
    for (const member of members) await put(policyOfficer, path('v1', 'communities', community.id, 'members', member))
  }
  for (const agreement of cast.agreements) await post(policyOfficer, '/v1/agreements', agreement)
  const enrolled: DemoAccount[] = []
  for (const account of cast.accounts) {
    await post(administrator, '/v1/accounts', account)
    const { secret } = await post<IssuedKey>(administrator, path('v1', 'accounts', account.id, 'keys'), {
      name: 'demo',
    })
    enrolled.push({ ...account, country: countryOf(account.organisation), apiKey: secret })
  }
  return [...offices.map(officeAccount), ...enrolled]
}

function officer(url: string, offices: SetUp['accounts'], role: Role): Target {
  const office = offices.find(({ roles }) => roles.includes(role))
  if (office === undefined) throw new Error(`the set-up gave no ${role}`)
  return { url, apiKey: office.apiKey }
}

const officeAccount = ({ id, roles, apiKey }: SetUp['accounts'][number]): DemoAccount => ({
  id,
  name: roles.includes('administrator') ? 'Administrator' : 'Policy officer',
  organisation: cast.operator.id,
  country: cast.operator.jurisdiction,
  roles,
  apiKey,
})

const countryOf = (organisation: string): string =>
  [cast.operator, ...cast.organisations].find(({ id }) => id === organisation)?.jurisdiction ?? ''

const post = <T>(target: Target, place: string, body: object): Promise<T> =>
  call<T>(target, place, { method: 'POST', body })

const put = (target: Target, place: string, body?: object): Promise<unknown> =>
  call(target, place, { method: 'PUT', ...(body === undefined ? {} : { body }) })
