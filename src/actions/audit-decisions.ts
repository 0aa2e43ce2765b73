import { createHash } from 'node:crypto'
import { type Agreement, purposes } from '../domain/agreement.ts'
import type { Handling } from '../domain/handling.ts'
import type { Reader, World } from '../domain/reader.ts'
import { decide } from '../policy/decide.ts'
import { basesOf, handlingBodies } from '../store/audit-rows.ts'
import type { Queries } from '../store/database.ts'
import type { Findings } from './audit-findings.ts'
import type { ReadingSubject } from './reading.ts'

/** A reading as its leaf and its subject tell it. */
export interface PastReading {
  readonly leaf: string
  readonly at: string
  readonly actor: string | null
  readonly purpose: string
  /** Hex digests. */
  readonly reader: string
  readonly world: string
  readonly subject: ReadingSubject
}

/** Parsed texts kept; readers and worlds recur. */
const kept = 4_096

/** Asks the policy again about past readings, with the reader, the directory and the handling as they were then. */
export class DecisionAudit {
  readonly #findings: Findings
  readonly #readers = new Map<string, Reader | undefined>()
  readonly #worlds = new Map<string, World | undefined>()
  readonly #handlings = new Map<string, Handling | undefined>()
  /** Readings, and decisions in them, that were asked again. */
  readings = 0
  decisions = 0

  constructor(findings: Findings) {
    this.#findings = findings
  }

  async ask(queries: Queries, readings: readonly PastReading[]): Promise<void> {
    await this.#load(queries, readings)
    for (const reading of readings) this.#askOne(reading)
    for (const cache of [this.#readers, this.#worlds, this.#handlings]) if (cache.size > kept) cache.clear()
  }

  async #load(queries: Queries, readings: readonly PastReading[]): Promise<void> {
    const wanted = new Set<string>()
    const handlings = new Map<string, number>()
    for (const { reader, world, subject } of readings) {
      if (!this.#readers.has(reader)) wanted.add(reader)
      if (!this.#worlds.has(world)) wanted.add(world)
      for (const [id, , digest] of subject.handlings) {
        if (!this.#handlings.has(`${id} ${digest}`)) handlings.set(`${id} ${digest}`, id)
      }
    }
    const bases = wanted.size === 0 ? new Map<string, string>() : await basesOf(queries, [...wanted])
    for (const { reader, world } of readings) {
      if (wanted.has(reader)) this.#readers.set(reader, parsed<Reader>(bases.get(reader), reader))
      if (wanted.has(world)) this.#worlds.set(world, worldIn(parsed<WorldText>(bases.get(world), world)))
    }
    const bodies = handlings.size === 0 ? new Map() : await handlingBodies(queries, [...new Set(handlings.values())])
    for (const [key, id] of handlings) {
      this.#handlings.set(key, parsed<Handling>(bodies.get(id), key.slice(key.indexOf(' ') + 1)))
    }
  }

  #askOne({ leaf, at, actor, purpose: claimed, reader: readerDigest, world: worldDigest, subject }: PastReading): void {
    const reader = this.#readers.get(readerDigest)
    const world = this.#worlds.get(worldDigest)
    const purpose = purposes.find((each) => each === claimed)
    if (reader === undefined || world === undefined || purpose === undefined) {
      this.#findings.add('basis', 'the reader or the directory of that day is missing or altered', { leaf })
      return
    }
    this.readings++
    for (const [id, effect, digest] of subject.handlings) {
      const handling = this.#handlings.get(`${id} ${digest}`)
      if (handling === undefined) {
        this.#findings.add('basis', `handling ${id} is missing or altered`, { leaf })
        continue
      }
      this.decisions++
      const now = decide(reader, handling, purpose, new Date(at), world)
      if (now.effect === effect) continue
      const what = `${handling.originator}'s TLP:${handling.tlp.toUpperCase()} (handling ${id})`
      const then = `${actor ?? 'the public'} was given ${what}: ${effect}`
      this.#findings.add('decision', `${then}; the policy now says ${now.effect} by ${now.reason}`, { leaf })
    }
  }
}

interface WorldText {
  readonly agreements: readonly Agreement[]
  readonly jurisdictions: Readonly<Record<string, string>>
}

const worldIn = (text: WorldText | undefined): World | undefined =>
  text === undefined
    ? undefined
    : { agreements: text.agreements, jurisdictions: new Map(Object.entries(text.jurisdictions)) }

/** A text that fits its digest, parsed; undefined where it is missing or does not. */
function parsed<T>(body: string | undefined, digest: string): T | undefined {
  if (body === undefined || createHash('sha256').update(body).digest('hex') !== digest) return undefined
  return JSON.parse(body) as T
}
