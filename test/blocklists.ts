import { loadWarninglist } from '../src/actions/index.ts'
import { handling } from './api/graphql.ts'
import type { Answer, TestNode } from './node.ts'

/** What tests of blocklists share: who reads and publishes, and how a list is asked for. */

export const green = handling('cert-br', { tlp: 'green' })

export const amber = handling('cert-br', { tlp: 'amber', organisations: ['csirt-cl'] })

export const reader = 'camila.csirt-cl'

export const publisher = 'ana.cert-br'

export const json = { 'content-type': 'application/json' }

export const list = (
  node: TestNode,
  file: string,
  account = reader,
  headers: Record<string, string> = {},
): Promise<Answer> => node.call(account, { method: 'GET', url: `/v1/blocklists/${file}`, headers })

export const linesOf = ({ text }: Answer): string[] => text.split('\n').filter((line) => line !== '')

export const post = (
  node: TestNode,
  account: string,
  url: string,
  payload: object,
  method: 'POST' | 'PATCH' = 'POST',
) => node.call(account, { method, url, headers: json, payload: JSON.stringify(payload) })

export const domain = (value: string) => ({ type: 'domain-name', value })

export const sql = (node: TestNode, text: string, values: unknown[] = []) =>
  node.context.database.client.query(text, values)

export const warn = (
  node: TestNode,
  type: string,
  list: readonly string[],
  attributes: readonly string[] = [],
  name = 'test',
) =>
  loadWarninglist(
    node.context,
    Buffer.from(JSON.stringify({ name, type, list, matching_attributes: attributes, version: 1, description: 'x' })),
  )

/** A saved list of the reader's, and a key of it. */
export async function savedList(
  node: TestNode,
  filter: object = {},
): Promise<{ id: string; key: string; keyId: string }> {
  const created = await post(node, reader, '/v1/lists', { name: 'for the firewall', filter })
  if (created.status !== 201) throw new Error(created.text)
  const issued = await post(node, reader, `/v1/lists/${created.body.id}/keys`, {})
  if (issued.status !== 201) throw new Error(issued.text)
  return { id: created.body.id, key: issued.body.secret, keyId: issued.body.id }
}
