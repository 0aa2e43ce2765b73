import { hash } from 'node:crypto'
import { keyedUuid } from '../auth/digests.ts'
import type { Draft } from '../domain/draft.ts'
import { Fault } from '../domain/errors.ts'
import { type Handling, handlingText } from '../domain/handling.ts'
import { limits } from '../domain/limits.ts'
import { correlationKey } from '../domain/observables/keys.ts'
import { uuidOf } from './ids.ts'

/** A draft whose handling is settled: what it is called, and what tells it from another version of itself. */
export interface Identified {
  readonly draft: Draft
  readonly handling: Handling
  /** Correlation keys of the draft's observables, in their order. */
  readonly keys: readonly string[]
  readonly uuid: string
  /** SHA-256 as hex. */
  readonly digest: string
}

/**
 * Names a draft. A STIX indicator keeps its id; everything else gets one that the originator, the type and the value
 * determine, so that pushing a file again finds what the first push left.
 */
export function identify(draft: Draft, handling: Handling, idKey: Buffer): Identified {
  const keys = draft.observables.map(correlationKey)
  const given = draft.id === undefined ? undefined : uuidOf(draft.id)
  return {
    draft,
    handling,
    keys,
    uuid: given ?? keyedUuid(idKey, JSON.stringify(identityOf(draft, handling, keys))),
    digest: hash('sha256', `[${quotedHandling(handling)},${JSON.stringify(assertedBy(draft)).slice(1)}`),
  }
}

/** @throws {Fault} `record_too_large` */
export function refuseLarge({ length }: string): void {
  const most = limits.indicatorCharacters
  if (length > most) throw new Fault('record_too_large', `An indicator may have ${most} characters.`)
}

/** What an id is derived from: of an event also what was found, since one address may be a scanner and a bot (ADR 21). */
function identityOf({ observables, finding }: Draft, { originator }: Handling, keys: readonly string[]): unknown[] {
  const identity = [originator, observables[0].type, keys]
  return finding === undefined ? identity : [...identity, finding]
}

/** Everything the originator asserted but how it may be used, in an order that never changes; nothing of where it was written. */
const assertedBy = (draft: Draft): unknown[] => [
  draft.observables,
  draft.class ?? null,
  draft.confidence ?? null,
  draft.name ?? null,
  draft.description ?? null,
  draft.labels,
  draft.pattern ?? null,
  draft.validFrom ?? null,
  draft.validUntil ?? null,
  draft.firstSeen ?? null,
  draft.lastSeen ?? null,
  draft.modified ?? null,
]

/** Handlings are shared by thousands of records: each is quoted once. */
const quoted = new WeakMap<Handling, string>()

function quotedHandling(handling: Handling): string {
  const known = quoted.get(handling)
  if (known !== undefined) return known
  const text = JSON.stringify(handlingText(handling))
  quoted.set(handling, text)
  return text
}
