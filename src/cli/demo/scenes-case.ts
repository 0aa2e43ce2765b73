import type { Export } from '../../actions/exports.ts'
import type { Disclosure } from '../../actions/list-disclosures.ts'
import type { LegalRequest } from '../../domain/legal-request.ts'
import { parseKey } from '../../seal/note.ts'
import { call, path, send } from '../client.ts'
import { verifyPackage } from '../export/verify-package.ts'
import { expect, type Stage } from './stage.ts'

const liaison = 'paula.policia-cl'
const officer = 'policy.lacnic'
const approver = 'diego.csirt-cl'
const originator = 'catalina.csirt-cl'
const values = ['203.0.113.230:4444', '203.0.113.231:4444']

/** What a case has come to. */
export interface Case {
  request: string
  indicators: readonly string[]
  bytes: Uint8Array
}

/** CSIRT Chile has something that police do not read without a request. */
export async function withheld(stage: Stage, it: Case): Promise<void> {
  const record = { type: 'ip-port', tlp: 'amber', class: 'c2-server', audience: ['policia-cl'] }
  const ids: string[] = []
  for (const value of values)
    ids.push(await stage.publish(originator, { ...record, value, lawEnforcement: 'on-request' }))
  it.indicators = ids
  for (const id of ids) expect((await stage.see(liaison, id)) === undefined, 'the liaison does not read it')
  stage.narrator.line(`CSIRT Chile publishes ${values.join(' and ')} for the police unit, on request; Paula gets 404`)
}

/** The liaison files; nobody else may approve but the two. */
export async function filing(stage: Stage, it: Case): Promise<void> {
  const body = {
    instrument: 'domestic-order',
    citation: 'Order 12/2026 (invented)',
    authority: 'Juzgado de Garantía (invented)',
    caseReference: 'RUC 2600000001-1',
    offence: 'fraud',
    facts: 'Money was taken through these servers.',
    necessity: 'They lead to those who took it.',
    scope: { originators: ['csirt-cl'], values },
    expiresAt: new Date(Date.now() + 30 * 86_400_000).toISOString(),
  }
  const drafted = await call<LegalRequest>(stage.as(liaison), '/v1/legal-requests', { method: 'POST', body })
  it.request = drafted.id
  expect((await step(stage, liaison, it, 'file')).state === 'filed', 'it is filed')
  const own = await send(stage.as(liaison), place(it, 'approve'), { method: 'POST', body: {} })
  expect(own.status === 403, 'the liaison cannot approve it')
  stage.narrator.line(`Paula files a request about two addresses: ${drafted.id}. Approving it herself: 403`)
}

/** Two approvals, of two people. */
export async function approving(stage: Stage, it: Case): Promise<void> {
  const first = await step(stage, officer, it, 'approve')
  expect(first.state === 'under-review', 'one approval is not two')
  const second = await step(stage, approver, it, 'approve')
  expect(second.state === 'approved' && second.consents.join() === 'csirt-cl', 'the originator consents')
  stage.narrator.line("the node's policy officer approves: still under review; Diego of CSIRT Chile consents: approved")
  for (const id of it.indicators)
    expect((await stage.see(liaison, id)) === undefined, 'search gives no more than before')
}

/** The package, checked with nothing but the key. */
export async function exporting(stage: Stage, it: Case): Promise<void> {
  let made = await call<Export>(stage.as(liaison), place(it, 'exports'), { method: 'POST', body: {} })
  for (let looks = 0; made.state !== 'ready' && looks < 120; looks++) {
    await new Promise((resolve) => setTimeout(resolve, 250))
    made = await call<Export>(stage.as(liaison), path('v1', 'exports', made.id))
  }
  expect(made.state === 'ready' && made.items === 2, 'the package has the two')
  const fetchOnce = () => {
    const { url, apiKey = '' } = stage.as(liaison)
    const headers = { authorization: `Bearer ${apiKey}` }
    return fetch(`${url}${path('v1', 'exports', made.id, 'download')}`, { method: 'POST', headers })
  }
  it.bytes = new Uint8Array(await (await fetchOnce()).arrayBuffer())
  expect((await fetchOnce()).status === 410, 'it can be fetched once')
  const { key } = await call<{ key: string }>(stage.as(undefined), '/v1/audit/key')
  const { faults } = await verifyPackage(it.bytes, parseKey(key))
  expect(faults.length === 0, 'the package holds')
  const forged = Buffer.from(it.bytes)
  forged[forged.length >> 1] = (forged[forged.length >> 1] ?? 0) ^ 1
  const found = await verifyPackage(forged, parseKey(key))
  expect(found.faults.length > 0, 'a flipped bit is found')
  stage.narrator.line(`a package of ${it.bytes.length} bytes, fetched once; it holds offline, by the key of the node`)
  stage.narrator.line(`with one bit flipped: ${found.faults[0]?.where}: ${found.faults[0]?.what}`)
}

/** The originator sees it, and takes it back. */
export async function takingBack(stage: Stage, it: Case): Promise<void> {
  const { items } = await call<{ items: Disclosure[] }>(stage.as(originator), '/v1/disclosures')
  expect(items[0]?.request === it.request && items[0].items === 2, 'the originator sees what was given')
  const taken = await step(stage, approver, it, 'claw-back', { note: 'A bank tested itself.' })
  expect(taken.state === 'clawed-back', 'it is taken back')
  const closed = await send(stage.as(liaison), place(it, 'close'), { method: 'POST', body: {} })
  expect(closed.status === 409, 'only a confirmation ends it')
  expect((await step(stage, liaison, it, 'confirm', { note: 'Deleted.' })).state === 'closed', 'it is confirmed')
  stage.narrator.line(`CSIRT Chile sees: 2 of its indicators went to policia-cl; Diego takes them back; Paula confirms`)
}

const place = ({ request }: Case, word: string): string => path('v1', 'legal-requests', request, word)

const step = (stage: Stage, account: string, it: Case, word: string, body: object = {}): Promise<LegalRequest> =>
  call<LegalRequest>(stage.as(account), place(it, word), { method: 'POST', body })
