import type { NodeDescription } from '../../../actions/federation-keys.ts'
import type { IssuedKey } from '../../../actions/keys.ts'
import { call, path, send, type Target } from '../../client.ts'
import { expect } from '../stage.ts'
import { agreements, community, countries } from './cast.ts'
import type { CountryNode } from './nodes.ts'

/** A node whose directory is filled. */
export interface Enrolled extends CountryNode {
  readonly nodeId: string
  /** Of the keys that it shows. */
  readonly thumbprints: readonly string[]
  readonly adminKey: string
  readonly personKey: string
  /** What it says of itself, signed. */
  readonly statement: string
}

/** The three teams, their community and the agreements, on one node: each decides by its own directory. */
export async function fillDirectory(node: CountryNode): Promise<Enrolled> {
  const { url, country, offices } = node
  const [admin, officer] = (['administrator', 'policy-officer'] as const).map((role): Target => {
    const apiKey = offices.find(({ roles }) => roles.includes(role))?.apiKey
    if (apiKey === undefined) throw new Error(`the set-up gave no ${role}`)
    return { url, apiKey }
  }) as [Target, Target]
  for (const { team } of countries) {
    const { id, name, kind, jurisdiction } = team
    if (team !== country.team) await post(admin, '/v1/organisations', { id, name, kind, jurisdiction })
  }
  const { members, ...founded } = community
  await post(officer, '/v1/communities', founded)
  for (const each of members)
    await call(officer, path('v1', 'communities', community.id, 'members', each), { method: 'PUT' })
  for (const agreement of agreements) await post(officer, '/v1/agreements', agreement)
  await post(admin, '/v1/accounts', country.person)
  const keys = path('v1', 'accounts', country.person.id, 'keys')
  const { secret } = await post<IssuedKey>(admin, keys, { name: 'demo' })
  const said = await call<NodeDescription & { statement: string }>({ url }, '/.well-known/puente')
  return {
    ...node,
    nodeId: said.node,
    thumbprints: said.keys.map(({ thumbprint }) => thumbprint),
    adminKey: admin.apiKey ?? '',
    personKey: secret,
    statement: said.statement,
  }
}

/** Enrols one node at another under a thumbprint that people compared; another thumbprint enrols nothing. */
export async function enrolPeer(here: Enrolled, there: Enrolled): Promise<void> {
  const admin = { url: here.url, apiKey: here.adminKey }
  const [thumbprint = ''] = there.thumbprints
  const { team } = there.country
  const body = { statement: there.statement, thumbprint, name: team.name, organisations: [team.id] }
  const [wrong = ''] = here.thumbprints
  const refused = await send(admin, '/v1/peers', { method: 'POST', body: { ...body, thumbprint: wrong } })
  expect(refused.status >= 400 && refused.status < 500, 'a thumbprint that is not the same enrols nothing')
  await post(admin, '/v1/peers', body)
}

const post = <T>(target: Target, place: string, body: object): Promise<T> =>
  call<T>(target, place, { method: 'POST', body })
