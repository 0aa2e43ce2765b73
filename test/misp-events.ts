import type { Handling } from '../src/domain/handling.ts'
import { writeEvents, writeParts } from '../src/store/misp-writes.ts'
import type { TestNode } from './node.ts'

/**
 * Puts an event of MISP into the store, past the publish door: its own handling, and indicators that are its attributes.
 * @param object UUID of an object that they are in, if they are
 */
export async function plantEvent(
  { context }: TestNode,
  handling: Handling,
  uuid: string,
  indicators: readonly string[],
  info = 'An event',
  object?: string,
): Promise<void> {
  const [handlingId = 0] = await context.policy.intern([handling])
  const body = JSON.stringify({ info, date: '2026-05-04', tags: ['planted'] })
  const { originator } = handling
  const facts = JSON.stringify({ type: 'domain', category: 'Network activity', toIds: true, values: [0] })
  await context.database.transaction(async (transaction) => {
    await writeEvents(
      transaction,
      originator,
      [{ uuid, handlingId, body, modified: '2026-01-01T00:00:00.000Z' }],
      context.clock(),
    )
    const parts = indicators.map((id, ordinal) => {
      const stixId = id.slice('indicator--'.length)
      return { event: uuid, uuid: stixId, kind: 'attribute', ordinal, object, stixId, body: facts } as const
    })
    if (object !== undefined) {
      const frame = JSON.stringify({ name: 'domain-ip', references: [] })
      await writeParts(transaction, originator, [
        { event: uuid, uuid: object, kind: 'object', ordinal: 0, handlingId, body: frame },
      ])
    }
    if (parts.length > 0) await writeParts(transaction, originator, parts)
  })
}
