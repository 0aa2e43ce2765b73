import { createHash } from 'node:crypto'
import type { ReceivedEntry } from '../src/actions/prove-envelope.ts'
import { receiveEnvelope } from '../src/actions/receive-envelope.ts'
import { openSeal, signSeal } from '../src/auth/seals.ts'
import { writeEnvelope } from '../src/formats/envelope.ts'
import { readPage, writePage } from '../src/formats/feed-page.ts'
import { batchOf } from '../src/seal/batches.ts'
import { after, enrolled, envelopeOf, nodeFrom, now, receiver, whole } from '../test/federation/cast.ts'
import { inTurn, type Line, rate } from './report.ts'

const items = 1_000

/**
 * A page of a peer read and judged, signature, paths and policy included, and nothing stored; against the same bytes parsed
 * and hashed.
 */
export async function judgedLine(rounds: number): Promise<Line> {
  const [brazil, chile] = [await nodeFrom('brazil'), await nodeFrom('chile')]
  const texts = Array.from({ length: items }, (_, n) =>
    writeEnvelope(envelopeOf(brazil, 'cert-br', whole(`item ${n}`))),
  )
  const { root, size, pathOf } = batchOf(texts)
  const seal = await signSeal({ node: brazil.id, epoch: brazil.epoch, root, size, issuedAt: after(-500) }, brazil.key)
  const entries = texts.map((envelope, index) => ({ envelope, seal: 0, index, path: pathOf(index), hops: [] }))
  const page = { v: 1 as const, from: brazil.id, to: chile.id, seals: [seal], entries, cursor: 'end', more: false }
  const bytes = Buffer.from(writePage(page))
  const facts = receiver(chile, new Map([[brazil.id, enrolled(brazil, ['cert-br'])]]))

  async function judged(): Promise<void> {
    const read = readPage(bytes)
    const opened = await openSeal(read.seals[0] ?? '', [brazil.pinned])
    for (const entry of read.entries) {
      if ('fault' in entry) throw new Error(entry.fault)
      const { envelope: text, index, path, hops } = entry
      const received: ReceivedEntry = { text, index, path, seal: opened, hops, sender: brazil.id }
      const { outcome } = receiveEnvelope(received, facts, () => undefined, now)
      if (outcome !== 'applied') throw new Error(`an item of the page was ${outcome}`)
    }
  }
  async function parsed(): Promise<void> {
    const read: { readonly entries: readonly { readonly envelope: string }[] } = JSON.parse(bytes.toString())
    for (const { envelope } of read.entries) {
      JSON.parse(envelope)
      createHash('sha256').update(envelope).digest()
    }
  }
  await judged()
  const { ours, theirs } = await inTurn(rounds, 3, judged, parsed)
  return rate('a page of a peer judged', 'items/s', ours * items, theirs * items, 0.05)
}
