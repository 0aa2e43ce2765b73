import { canonicalHandling, type Handling } from '../src/domain/handling.ts'
import { freshAddress, type TestNode } from './node.ts'

export const greenOf = (more: Partial<Handling> = {}): Handling =>
  canonicalHandling({
    originator: 'cert-br',
    tlp: 'green',
    pap: 'green',
    organisations: [],
    communities: [],
    people: [],
    lawEnforcement: 'on-request',
    personalData: false,
    maskable: true,
    attribution: 'named',
    ...more,
  })
export const amberFor = (...communities: string[]) => greenOf({ tlp: 'amber', communities })

export interface Item {
  readonly change: string
  readonly id: string
  readonly indicator?: { readonly value: string; readonly version: number; readonly masked: boolean }
}

/** Somebody who follows: keeps a cursor, and what it was given. */
export class Follower {
  readonly held = new Map<string, NonNullable<Item['indicator']>>()
  readonly #node: TestNode
  readonly #account: string
  readonly #query: string
  cursor: string | undefined

  constructor(node: TestNode, account: string, query = '') {
    this.#node = node
    this.#account = account
    this.#query = query
  }

  async page(limit = 100): Promise<{ items: Item[]; more: boolean }> {
    const cursor = this.cursor === undefined ? '' : `&cursor=${this.cursor}`
    const answer = await this.#node.call(this.#account, { url: `/v1/feed?limit=${limit}${this.#query}${cursor}` })
    if (answer.status !== 200) throw new Error(answer.text)
    this.cursor = answer.body.cursor
    for (const item of answer.body.items as Item[]) {
      if (item.indicator === undefined) this.held.delete(item.id)
      else this.held.set(item.id, item.indicator)
    }
    return answer.body
  }

  /** Pages until there is no more. @returns everything given */
  async catchUp(limit = 100): Promise<Item[]> {
    const items: Item[] = []
    for (let pages = 0; pages < 10_000; pages++) {
      const page = await this.page(limit)
      items.push(...page.items)
      if (!page.more) return items
    }
    throw new Error('the feed does not end')
  }
}

export const told = (items: readonly Item[]) => items.map(({ change, id }) => `${change} ${id.slice(-4)}`)
export const idOf = (n: number) => `indicator--00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
export const plant = (node: TestNode, n: number, handling: Handling) =>
  node.plant(handling, { type: 'ipv6-address', value: freshAddress(n) }, { id: idOf(n) })
export const revise = async (node: TestNode, n: number, payload: object, account = 'ana.cert-br') => {
  const answer = await node.call(account, { method: 'PATCH', url: `/v1/indicators/${idOf(n)}`, payload })
  if (answer.status !== 200) throw new Error(answer.text)
}
export const recall = (node: TestNode, n: number) =>
  node.call('ana.cert-br', { method: 'POST', url: `/v1/indicators/${idOf(n)}/recall`, payload: { reason: 'wrong' } })
export const member = (node: TestNode, method: 'PUT' | 'DELETE', organisation: string) =>
  node.call('policy.lacnic', { method, url: `/v1/communities/lac-csirts/members/${organisation}` })
