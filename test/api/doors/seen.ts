import type { TestNode } from '../../node.ts'
import type { PolicyCase } from '../../policy/cases.ts'
import type { Receiver } from '../../webhooks.ts'

/** A policy case in the store of a node, and what was planted beside it to be asked for. */
export interface Planted {
  readonly row: PolicyCase
  readonly id: string
  readonly value: string
  /** Id of something that everybody may see, related to it where it is no mailbox; no search for the value finds it. */
  readonly beside: string
  /** A STIX object under the same handling, without a masked form. */
  readonly object: string
  /** Under a handling that everybody may see: ties of the indicator and of the object to `open`, and a report about them all. */
  readonly open: string
  readonly ofIndicator: string
  readonly ofObject: string
  readonly report: string
  /** UUID of an event of MISP that it is the only attribute of; the event itself is anybody's. */
  readonly event: string
  /** What webhooks are sent to. */
  readonly endpoint: Receiver
  /** What {@link readOnce} keeps; one for all that is asked while nothing is published or withdrawn. */
  readonly kept: Map<string, Promise<unknown>>
}

/** What a door without a filter gives a reader: it is asked once for all cases in which it is asked the same. */
export function readOnce<Given>({ row, kept }: Planted, what: string, read: () => Promise<Given>): Promise<Given> {
  const { reader, purpose, at, grants } = row
  const key = JSON.stringify([what, reader, purpose, at, grants])
  const given = (kept.get(key) as Promise<Given> | undefined) ?? read()
  kept.set(key, given)
  return given
}

/** What a door shows of one indicator: as it is, masked, or nothing. A door may be closed to a reader whatever it may see. */
export type Seen = 'permit' | 'redact' | 'deny' | 'closed'

/** Each way in which a reader can meet an indicator, and what it shows there; what disagrees with itself is an error. */
export type Doors = Readonly<Record<string, (node: TestNode, planted: Planted) => Promise<Seen>>>

/** Of the items that a door gave for a value. */
export function seen(items: readonly { value: string; masked: boolean }[], value: string): Seen {
  const [first] = items
  if (first === undefined) return 'deny'
  if (!first.masked) return first.value === value ? 'permit' : 'redact'
  if (JSON.stringify(items).includes(value)) throw new Error('a masked answer holds the value')
  return 'redact'
}

/** What goes out by no webhook did not, whatever the reader may see. */
export function nothing(row: PolicyCase, given: readonly unknown[]): Seen {
  if (given.length > 0) throw new Error('it went out')
  return row.expect.effect
}

/** RED is in no feed, whoever may read it. */
export const followed = (row: PolicyCase, items: readonly { value: string; masked: boolean }[], value: string): Seen =>
  row.handling.tlp === 'red' && items.length === 0 ? row.expect.effect : seen(items, value)

export const get = (node: TestNode, { reader, purpose }: PolicyCase, url: string) =>
  node.call(reader, { method: 'GET', url, headers: { 'puente-purpose': purpose } })

export const post = (node: TestNode, { reader, purpose }: PolicyCase, url: string, body: object) =>
  node.call(reader, {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json', 'puente-purpose': purpose },
    payload: JSON.stringify(body),
  })
