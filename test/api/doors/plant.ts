import { randomUUID } from 'node:crypto'
import type { Handling } from '../../../src/domain/handling.ts'
import { decide } from '../../../src/policy/decide.ts'
import { plantEvent } from '../../misp-events.ts'
import { freshAddress, type TestNode } from '../../node.ts'
import { loadWorld, type PolicyCase, readerOf, worldOf } from '../../policy/cases.ts'
import { handling } from '../graphql.ts'
import type { Planted } from './seen.ts'

/** Puts what the case is about into the store, the `n`th there, and things of everybody beside it. */
export async function plant(
  node: TestNode,
  row: PolicyCase,
  n: number,
  { endpoint, kept }: Pick<Planted, 'endpoint' | 'kept'>,
): Promise<Planted> {
  const observable = observableOf(row, n)
  const id = await node.plant(row.handling, observable)
  const open = handling(row.handling.originator, { tlp: 'clear', lawEnforcement: 'allowed' })
  const beside = await node.plant(open, besideOf(observable))
  const event = `00000000-0000-4000-8000-${String(n + 1).padStart(12, '0')}`
  await plantEvent(node, open, event, [id], 'An event', event.replace('-8000-', '-9000-'))
  const objects = await plantObjects(node, row, id, open)
  return { row, id, value: observable.value, beside, event, endpoint, kept, ...objects }
}

export async function plantObjects(node: TestNode, row: PolicyCase, indicator: string, everybodys: Handling) {
  const idOf = (type: string) => `${type}--${randomUUID()}`
  const [object, open, report] = [idOf('tool'), idOf('tool'), idOf('report')]
  const [ofIndicator, ofObject] = [idOf('relationship'), idOf('relationship')]
  const tie = { type: 'relationship', relationship_type: 'related-to', target_ref: open }
  const about = { name: 'about all', published: '2024-01-01T00:00:00Z', object_refs: [open, object, indicator] }
  await node.plantObjects({ ...row.handling, maskable: false }, [{ type: 'tool', id: object, name: 'kept from some' }])
  await node.plantObjects(everybodys, [
    { type: 'tool', id: open, name: 'open' },
    { ...tie, id: ofIndicator, source_ref: indicator },
    { ...tie, id: ofObject, source_ref: object },
    { type: 'report', id: report, ...about },
  ])
  return { object, open, ofIndicator, ofObject, report }
}

/** Personal data with a masked form is an e-mail address; everything else an address of a documentation range. */
function observableOf({ handling }: PolicyCase, n: number): { type: string; value: string } {
  return handling.personalData
    ? { type: 'email-address', value: `person-${n}@example.com` }
    : { type: 'ipv6-address', value: freshAddress(n + 1) }
}

/** A URL at the address. Mailboxes have nothing beside them. */
const besideOf = ({ type, value }: { type: string; value: string }) => ({
  type: 'url',
  value: type === 'email-address' ? `http://${value.split('@')[0]}.example.org/` : `http://[${value}]/`,
})

/** A legal request serves where one acts under it (ADR 28): at these doors the case is what it is without one. */
export function ordinary(row: PolicyCase): PolicyCase {
  if (row.grants.length === 0) return row
  const world = loadWorld()
  const reader = readerOf(world, row.reader, [])
  const { effect, reason } = decide(reader, row.handling, row.purpose, new Date(row.at), worldOf(world))
  return { ...row, expect: { ...row.expect, effect, reason } }
}

/** Approved legal requests of the case, as the store will keep them. */
export async function grant(node: TestNode, row: PolicyCase): Promise<void> {
  for (const { originators, approvedAt, expiresAt } of row.grants) {
    await node.context.database.client.query(
      `insert into legal_request (id, liaison, instrument, citation, authority, case_reference, offence, requesting_jurisdiction,
         facts, necessity, scope, originators, state, approved_at, expires_at)
       values (gen_random_uuid(), $1, 'domestic-order', 'x', 'x', 'x', 'fraud', 'CL', 'x', 'x', 'x', $2, 'approved', $3, $4)`,
      [row.reader, originators, approvedAt, expiresAt],
    )
  }
}
