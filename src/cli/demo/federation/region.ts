import { setTimeout as sleep } from 'node:timers/promises'
import type { Holder } from '../../../actions/holders.ts'
import type { Provenance } from '../../../actions/provenance.ts'
import type { PeerState } from '../../../actions/read-peer.ts'
import { type Answer, call, path, send, type Target } from '../../client.ts'
import { CommandError, exitCodes } from '../../exit.ts'
import type { Narrator } from '../narrator.ts'
import { expect } from '../stage.ts'
import type { Country } from './cast.ts'
import type { Enrolled } from './enrol.ts'

/** The three nodes with their people: what the scenes are played on. */
export class Region {
  readonly narrator: Narrator
  readonly #nodes: readonly Enrolled[]

  constructor(nodes: readonly Enrolled[], narrator: Narrator) {
    this.#nodes = nodes
    this.narrator = narrator
  }

  of(country: Country): Enrolled {
    const found = this.#nodes.find((each) => each.country === country)
    if (found === undefined) throw new Error(`there is no node of ${country.name}`)
    return found
  }

  /** The one person of a country, at its node. */
  person(country: Country): Target {
    const { url, personKey } = this.of(country)
    return { url, apiKey: personKey }
  }

  administrator(country: Country): Target {
    const { url, adminKey } = this.of(country)
    return { url, apiKey: adminKey }
  }

  /** Publishes records as newline-delimited JSON. */
  async publish(country: Country, records: readonly object[]): Promise<void> {
    const raw = Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''))
    const headers = { 'content-type': 'application/x-ndjson' }
    const receipt = await call<{ accepted: number }>(this.person(country), '/v1/indicators', {
      ...{ method: 'POST', raw, headers },
    })
    expect(receipt.accepted === records.length, `${country.team.name} publishes ${records.length} indicators`)
  }

  /** The indicator of this value as a country's person finds it. */
  async find(country: Country, value: string): Promise<{ readonly id: string } | undefined> {
    const query = new URLSearchParams({ value })
    const { items } = await call<{ items: { id: string }[] }>(this.person(country), `/v1/indicators?${query}`)
    return items[0]
  }

  read(country: Country, id: string): Promise<Answer> {
    return send(this.person(country), path('v1', 'indicators', id))
  }

  /** How many indicators of another country's team a country's person reads. */
  async count(country: Country, { team }: Country): Promise<number> {
    let found = 0
    let next: string | null | undefined = ''
    while (next != null) {
      const query = new URLSearchParams({
        originator: team.id,
        limit: '1000',
        ...(next === '' ? {} : { cursor: next }),
      })
      const page: { items: unknown[]; next?: string | null } = await call(
        this.person(country),
        `/v1/indicators?${query}`,
      )
      found += page.items.length
      next = page.next
    }
    return found
  }

  peerState(country: Country, peer: Country): Promise<PeerState> {
    return call<PeerState>(this.administrator(country), path('v1', 'peers', this.of(peer).nodeId))
  }

  provenance(country: Country, id: string): Promise<Provenance> {
    return call<Provenance>(this.person(country), path('v1', 'indicators', id, 'provenance'))
  }

  async holders(country: Country, id: string): Promise<readonly Holder[]> {
    const answer = await call<{ holders: readonly Holder[] }>(
      this.person(country),
      path('v1', 'indicators', id, 'holders'),
    )
    return answer.holders
  }

  /** Cuts the link between two countries, both ways. */
  cut(a: Country, b: Country): void {
    this.of(a).wayIn.cut(this.of(b).thumbprints)
    this.of(b).wayIn.cut(this.of(a).thumbprints)
  }

  heal(): void {
    for (const { wayIn } of this.#nodes) wayIn.heal()
  }
}

/**
 * Looks until it holds, and rests for as long as a look took: on a small machine whoever looks all the time is what others wait for.
 * @returns seconds that it took, with one decimal @throws {NotAsTold} after three minutes
 */
export async function until(statement: string, holds: () => Promise<boolean>): Promise<string> {
  const began = performance.now()
  for (;;) {
    const looked = performance.now()
    const held = await holds().catch(unlessBusy)
    const now = performance.now()
    if (held) return ((now - began) / 1_000).toFixed(1)
    expect(now - began < patienceMs, `within three minutes: ${statement}`)
    await sleep(Math.max(100, now - looked))
  }
}

/** A node that says to try again is asked again. */
function unlessBusy(error: unknown): false {
  if (error instanceof CommandError && error.exitCode === exitCodes.unreachable) return false
  throw error
}

/** A link that heals is of use within seconds; so long is for machines that have other things to do. */
const patienceMs = 180_000
