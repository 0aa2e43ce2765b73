import * as cast from './cast.ts'
import type { Enrolled } from './federation/enrol.ts'
import type { Narrator } from './narrator.ts'
import type { DemoAccount } from './seed.ts'

/** What there is to try: the pages, and every account with a line to paste. */
export function tellWelcome(narrator: Narrator, url: string, accounts: readonly DemoAccount[]): void {
  narrator.heading('Try it')
  narrator.line(`${url}/docs       the REST interface, to read and to try`)
  narrator.line(`${url}/graphiql   GraphQL, likewise`)
  narrator.line(`${url}/v1/indicators   what the public sees; with a key, what its account does:`)
  for (const account of accounts) {
    const { name, country } = homeOf(account)
    narrator.heading(`${account.name}, ${name} (${country}): ${account.roles.join(', ')}  [${account.id}]`)
    narrator.code(`curl -sH 'Authorization: Bearer ${account.apiKey}'${options(account)} '${url}${doorFor(account)}'`)
  }
  narrator.heading(`The node runs at ${url} until Ctrl-C.`)
}

function homeOf({ organisation, country }: DemoAccount) {
  const home = [cast.operator, ...cast.organisations].find(({ id }) => id === organisation)
  return { name: home?.name ?? organisation, country }
}

/** The door that shows what the account is for. */
function doorFor({ roles }: DemoAccount): string {
  if (roles.includes('administrator')) return '/v1/accounts'
  if (roles.includes('policy-officer')) return '/v1/agreements'
  return '/v1/indicators?limit=3'
}

const options = ({ roles }: DemoAccount): string =>
  roles.includes('liaison') ? " -H 'Puente-Purpose: law-enforcement'" : ''

/** The nodes of three countries, each with lines to paste for its person and its administrator. */
export function tellRegion(narrator: Narrator, nodes: readonly Enrolled[]): void {
  for (const { country, url, adminKey, personKey } of nodes) {
    narrator.heading(`${country.name}: ${url}/docs`)
    narrator.line(`${country.person.name} of ${country.team.name}, and the administrator:`)
    narrator.code(`curl -sH 'Authorization: Bearer ${personKey}' '${url}/v1/indicators?limit=3'`)
    narrator.code(`curl -sH 'Authorization: Bearer ${adminKey}' '${url}/v1/peers'`)
  }
  narrator.heading('The three nodes run until Ctrl-C.')
}
