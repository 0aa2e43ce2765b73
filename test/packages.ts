import { runExports } from '../src/actions/index.ts'
import { limits } from '../src/domain/limits.ts'
import { readZip } from '../src/formats/export-zip.ts'
import { get, post } from './legal.ts'
import type { TestNode } from './node.ts'

const liaison = 'ignacio.policia-cl'

/** Has a package made. @returns its id */
export const start = async (node: TestNode, request: string, body: object = {}, account = liaison): Promise<string> => {
  const answer = await post(node, account, `/v1/legal-requests/${request}/exports`, body)
  if (answer.status !== 202) throw new Error(answer.text)
  return answer.body.id
}

/** A package as it comes; `text` of the answer would lose bytes. */
export async function download(
  node: TestNode,
  id: string,
  account = liaison,
): Promise<{ status: number; bytes: Buffer; code?: string }> {
  const answer = await node.app.inject({
    method: 'POST',
    url: `/v1/exports/${id}/download`,
    headers: node.as(account),
  })
  const code = answer.statusCode === 200 ? undefined : answer.json().code
  return { status: answer.statusCode, bytes: answer.rawPayload, ...(code === undefined ? {} : { code }) }
}

/** Has one made, and fetches it. */
export async function packageOf(
  node: TestNode,
  request: string,
  body: object = {},
  account = liaison,
): Promise<Buffer> {
  const id = await start(node, request, body, account)
  await runExports(node.context)
  const { status, bytes, code } = await download(node, id, account)
  if (status !== 200)
    throw new Error(`${status} ${code} ${JSON.stringify((await get(node, account, `/v1/exports/${id}`)).body)}`)
  return bytes
}

/** The text of a file in a package. */
export const fileIn = (bytes: Buffer, name: string): string =>
  Buffer.from(readZip(bytes, limits.exportBytes).get(name) ?? new Uint8Array(0)).toString()
