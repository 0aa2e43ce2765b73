import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Test } from 'tap'
import type { RecordFault } from '../src/domain/errors.ts'

export const apiKey = `puente_0123456789ab_${'x'.repeat(43)}`

export interface Request {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What the fake node does with a request; 'break' closes the connection without an answer. */
export type Reply =
  | 'break'
  | { readonly status: number; readonly body: unknown; readonly headers?: Record<string, string> }

/** A node on loopback that answers as told and remembers what it was asked. */
export async function fakeNode(t: Test, reply: (request: Request, nth: number) => Reply) {
  const requests: Request[] = []
  const server: Server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const { method = '', url = '', headers } = incoming
    const request = { method, url, headers, body: Buffer.concat(chunks).toString() }
    requests.push(request)
    const answer = reply(request, requests.length)
    if (answer === 'break') return void incoming.socket.destroy()
    outgoing.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
    outgoing.end(JSON.stringify(answer.body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

/** The receipt of a node that takes every line but those that say so. */
export function judge({ body }: Request): Reply {
  const lines = body.split('\n').slice(0, -1)
  const rejected: RecordFault[] = lines.flatMap((text, i) =>
    text.includes('bad')
      ? [{ position: { record: i, line: i + 1 }, code: 'invalid_value' as const, message: text }]
      : [],
  )
  const accepted = lines.length - rejected.length
  const status = rejected.length === 0 ? 200 : accepted > 0 ? 207 : 422
  return { status, body: receipt(accepted, rejected) }
}

export const receipt = (accepted: number, rejected: readonly RecordFault[] = []) => ({
  receipt: '00000000-0000-4000-8000-000000000000',
  ...{ accepted, unchanged: 0, rejected, rejectedTotal: rejected.length },
})

export const problem = (status: number, code: string, headers = {}): Reply => ({
  status,
  body: { type: `urn:puente:error:${code}`, title: code, status, code, detail: `it is ${code}` },
  headers,
})

/** A folder with these files, removed after the test. */
export function folderWith(t: Test, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'puente-cli-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text)
  return folder
}
