import type { Test } from 'tap'
import { mintKey } from '../src/auth/api-keys.ts'
import type { Role } from '../src/domain/account.ts'
import { insertAccount } from '../src/store/accounts.ts'
import { insertKey } from '../src/store/keys.ts'
import { type Answer, type TestNode, testNode } from './node.ts'

/** A node with people for legal requests: `as` and `call` know those that were added, too. */
export async function legalNode(t: Test, options: Parameters<typeof testNode>[1] = {}): Promise<TestNode> {
  const node = await testNode(t, options)
  const keys = new Map<string, string>()
  const people: readonly (readonly [string, string, readonly Role[]])[] = [
    ['iris.csirt-cl', 'csirt-cl', ['approver', 'reader']],
    ['olga.lacnic', 'lacnic', ['policy-officer', 'approver']],
    ['berta.policia-cl', 'policia-cl', ['liaison']],
    ['zoe.policia-cl', 'policia-cl', ['approver']],
  ]
  await node.context.database.transaction(async (transaction) => {
    for (const [id, organisation, roles] of people) {
      await insertAccount(transaction, { id, organisation, name: id, roles })
      const key = mintKey()
      await insertKey(transaction, {
        id: key.id,
        account: id,
        name: 'test',
        digest: key.digest,
        scopes: ['read', 'write', 'admin'],
      })
      keys.set(id, key.secret)
    }
  })
  const as = (account: string): Record<string, string> => {
    const key = keys.get(account)
    return key === undefined ? node.as(account) : { authorization: `Bearer ${key}` }
  }
  return {
    ...node,
    as,
    call: (account, request) =>
      keys.has(account)
        ? node.call('anonymous', { ...request, headers: { ...as(account), ...request.headers } })
        : node.call(account, request),
  }
}

/** What a liaison says, unless it says otherwise. */
export const requestBody = (more: object = {}) => ({
  instrument: 'domestic-order',
  citation: 'Auto 12/2026',
  authority: 'Juzgado de Garantía',
  caseReference: 'RUC 2600000001-1',
  offence: 'fraud',
  facts: 'Money was taken by a false page.',
  necessity: 'The addresses lead to those who took it.',
  scope: { originators: ['csirt-cl'], types: ['ipv4-address', 'domain-name'] },
  expiresAt: '2026-09-01T00:00:00.000Z',
  ...more,
})

export const post = (node: TestNode, account: string, url: string, body: object = {}): Promise<Answer> =>
  node.call(account, {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify(body),
  })

export const get = (node: TestNode, account: string, url: string): Promise<Answer> =>
  node.call(account, { method: 'GET', url })

/** One step of a request; what it answers. */
export const step = (node: TestNode, account: string, id: string, word: string, body: object = {}): Promise<Answer> =>
  post(node, account, `/v1/legal-requests/${id}/${word}`, body)

/** A request of a liaison, approved by the node and by CSIRT Chile. @returns its id */
export async function approvedRequest(
  node: TestNode,
  liaison = 'ignacio.policia-cl',
  more: object = {},
): Promise<string> {
  const drafted = await post(node, liaison, '/v1/legal-requests', requestBody(more))
  if (drafted.status !== 201) throw new Error(drafted.text)
  const { id } = drafted.body
  for (const [account, word] of [
    [liaison, 'file'],
    ['policy.lacnic', 'approve'],
    ['iris.csirt-cl', 'approve'],
  ] as const) {
    const answer = await step(node, account, id, word)
    if (answer.status !== 200) throw new Error(`${account} ${word}: ${answer.text}`)
  }
  return id
}
