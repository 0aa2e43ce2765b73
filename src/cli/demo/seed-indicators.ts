import { createHash, randomUUID } from 'node:crypto'
import type { Tlp } from '../../domain/tlp.ts'
import type { Target } from '../client.ts'
import { deliver } from '../push/deliver.ts'
import type { Input } from '../push/input.ts'
import { type PushSummary, partSize, pushFiles } from '../push/push.ts'
import { generate, shares } from './generate.ts'
import type { DemoAccount } from './seed.ts'

/** Publishes the generated indicators, each organisation its own. @returns how many there are */
export async function seedIndicators(url: string, accounts: readonly DemoAccount[], now: Date): Promise<number> {
  let published = 0
  for (const [organisation, indicators] of shares) {
    const records = generate(organisation, indicators, now)
    const bytes = Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''))
    const part = {
      path: '/v1/indicators',
      mediaType: 'application/x-ndjson',
      body: () => bytes,
      digest: createHash('sha256').update(bytes).digest('hex'),
    }
    const target = publisherOf(url, accounts, organisation)
    const outcome = await deliver(target, randomUUID(), part, { forMs: 10_000 })
    const [fault] = 'receipt' in outcome ? outcome.receipt.rejected : [outcome.refused]
    if (fault !== undefined) throw new Error(`the node refuses a record of the demo: ${fault.code}: ${fault.message}`)
    published += records.length
  }
  return published
}

/** Publishes files instead. `refusals`: how many records were refused, by code. */
export async function seedFiles(
  target: Target,
  inputs: readonly Input[],
  tlp: Tlp,
): Promise<{ readonly summary: PushSummary; readonly refusals: ReadonlyMap<string, number> }> {
  const refusals = new Map<string, number>()
  const refused = ({ code }: { readonly code: string }) => void refusals.set(code, (refusals.get(code) ?? 0) + 1)
  const options = { query: { tlp }, size: partSize(), patience: { forMs: 30_000 } }
  const summary = await pushFiles(target, inputs, options, { refused, acknowledged: () => {} })
  return { summary, refusals }
}

/** Who publishes for an organisation. */
export function publisherOf(url: string, accounts: readonly DemoAccount[], organisation: string): Target {
  const publisher = accounts.find((each) => each.organisation === organisation && each.roles.includes('publisher'))
  if (publisher === undefined) throw new Error(`${organisation} has no publisher`)
  return { url, apiKey: publisher.apiKey }
}
