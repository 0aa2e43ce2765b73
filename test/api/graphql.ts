import pg from 'pg'
import type { Handling } from '../../src/domain/handling.ts'
import { type Answer, freshAddress, type TestNode } from '../node.ts'

/** One operation, as an account. */
export const ask = (node: TestNode, account: string, query: string, variables: object = {}): Promise<Answer> =>
  node.call(account, {
    method: 'POST',
    url: '/graphql',
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify({ query, variables }),
  })

/** The data of an answer that must have no errors. */
export async function dataOf(node: TestNode, account: string, query: string, variables: object = {}) {
  const { body, status } = await ask(node, account, query, variables)
  if (status !== 200 || body.errors !== undefined) throw new Error(`${status} ${JSON.stringify(body.errors)}`)
  return body.data
}

/** Path and code of each error of an answer. */
export const errorsOf = ({ body }: Answer): string[] =>
  (body.errors ?? []).map((each: { path?: string[]; extensions: { code: string } }) =>
    `${each.path?.join('.') ?? ''} ${each.extensions.code}`.trim(),
  )

export const valuesOf = ({ indicators }: { indicators: { edges: { node: { value: string } }[] } }): string[] =>
  indicators.edges.map(({ node }) => node.value)

/** A handling with the defaults of publishing. */
export const handling = (originator: string, more: Partial<Handling> & Pick<Handling, 'tlp'>): Handling => ({
  originator,
  pap: 'green',
  organisations: [],
  communities: [],
  people: [],
  lawEnforcement: 'on-request',
  personalData: false,
  maskable: false,
  attribution: 'named',
  ...more,
})

export const ipv6 = (n: number) => ({ type: 'ipv6-address', value: freshAddress(n) })
export const domain = (value: string) => ({ type: 'domain-name', value })

/** Counts what is sent to the database while `work` runs. */
export async function statements<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly count: number }> {
  let result: T | undefined
  const sent = await statementsOf(async () => {
    result = await work()
  })
  return { result: result as T, count: sent.length }
}

/** What is sent to the database while `work` runs. */
export async function statementsOf(
  work: () => Promise<unknown>,
): Promise<{ readonly text: string; readonly values: readonly unknown[] }[]> {
  const { query } = pg.Client.prototype
  const sent: { text: string; values: readonly unknown[] }[] = []
  pg.Client.prototype.query = function noted(this: pg.Client, ...given: unknown[]) {
    const [statement, values] = given as [string | { text?: string; values?: unknown[] }, unknown[]?]
    sent.push(
      typeof statement === 'string'
        ? { text: statement, values: values ?? [] }
        : { text: statement.text ?? '', values: statement.values ?? values ?? [] },
    )
    return Reflect.apply(query, this, given)
  } as typeof query
  try {
    await work()
    return sent
  } finally {
    pg.Client.prototype.query = query
  }
}
