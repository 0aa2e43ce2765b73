import type { Answer, TestNode } from './node.ts'

/** Sightings by REST. */

export const sight = (
  node: TestNode,
  account: string,
  id: string,
  body: unknown = {},
  headers: object = {},
): Promise<Answer> =>
  node.call(account, {
    method: 'POST',
    url: `/v1/indicators/${id}/sightings`,
    headers: { 'content-type': 'application/json', ...headers },
    payload: JSON.stringify(body),
  })

export const sightings = (node: TestNode, account: string, id: string): Promise<Answer> =>
  node.call(account, { method: 'GET', url: `/v1/indicators/${id}/sightings` })
