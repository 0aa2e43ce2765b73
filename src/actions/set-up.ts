import { mintKey } from '../auth/api-keys.ts'
import { type Role, scopes } from '../domain/account.ts'
import { publicCaller } from '../domain/caller.ts'
import { parseName, parseSlug } from '../domain/enrolment.ts'
import { Fault } from '../domain/errors.ts'
import { parseJurisdiction } from '../domain/jurisdiction.ts'
import { insertAccount } from '../store/accounts.ts'
import { insertKey } from '../store/keys.ts'
import { claimOperator, readNode } from '../store/node.ts'
import { insertOrganisation } from '../store/organisations.ts'
import type { Context } from './context.ts'
import type { EnrolInput } from './organisations.ts'
import { record } from './verb.ts'

export interface SetUp {
  /** One account for each office, with its key: shown now and never again. */
  readonly accounts: readonly { readonly id: string; readonly roles: readonly Role[]; readonly apiKey: string }[]
}

/**
 * Gives an empty node its operator: the organisation, an administrator and a policy officer. Called at the machine, never by a
 * door; the one act that nobody was there to permit, and only possible once.
 * @throws {Fault} `already_exists` when the node has an operator, `invalid_request`
 */
export async function setUp(context: Context, input: { readonly organisation: EnrolInput }): Promise<SetUp> {
  const organisation = {
    id: parseSlug(input.organisation.id, '/organisation/id'),
    name: parseName(input.organisation.name, '/organisation/name'),
    kind: input.organisation.kind,
    jurisdiction: parseJurisdiction(input.organisation.jurisdiction),
  }
  const offices = [
    { id: `admin.${organisation.id}`, name: 'Administrator', roles: ['administrator', 'reader'] as const },
    { id: `policy.${organisation.id}`, name: 'Policy officer', roles: ['policy-officer', 'reader'] as const },
  ]
  const standing = await context.policy.current()
  return await context.database.transaction(async (transaction) => {
    if ((await readNode(transaction)).operator !== null) throw operatorThere()
    await insertOrganisation(transaction, organisation)
    if (!(await claimOperator(transaction, organisation.id))) {
      throw operatorThere()
    }
    const accounts: SetUp['accounts'][number][] = []
    for (const office of offices) {
      await insertAccount(transaction, { ...office, organisation: organisation.id })
      const { id, secret, digest } = mintKey()
      await insertKey(transaction, { id, account: office.id, name: 'set-up', digest, scopes: [...scopes] })
      accounts.push({ id: office.id, roles: office.roles, apiKey: secret })
    }
    await record(transaction, context, publicCaller, standing, {
      action: 'set-up',
      decision: 'permit',
      rules: ['action.set-up'],
      subject: JSON.stringify(organisation),
    })
    return { accounts }
  })
}

const operatorThere = (): Fault => new Fault('already_exists', 'This node has its operator already.')
