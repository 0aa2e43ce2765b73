import type { InjectOptions } from 'fastify'
import type { Answer, TestNode } from './node.ts'

/** An object as an envelope has it. */
export interface StixObject {
  readonly type: string
  readonly id: string
  readonly modified: string
  readonly revoked?: boolean
  readonly pattern?: string
  readonly name?: string
}

export const taxiiType = 'application/taxii+json;version=2.1'

/** A client of TAXII 2.1, written from the standard's text: it knows what the server told it, and nothing else. */
export class TaxiiClient {
  readonly #node: TestNode
  readonly #account: string
  readonly #purpose: string

  constructor(node: TestNode, account: string, purpose = 'defence') {
    this.#node = node
    this.#account = account
    this.#purpose = purpose
  }

  /** Whatever comes back; its form is checked. */
  async ask(path: string, query: Readonly<Record<string, string>> = {}, options: InjectOptions = {}): Promise<Answer> {
    const parameters = new URLSearchParams(query).toString()
    const answer = await this.#node.call(this.#account, {
      method: 'GET',
      ...options,
      url: `${path}${parameters === '' ? '' : `?${parameters}`}`,
      headers: { accept: taxiiType, 'puente-purpose': this.#purpose, ...options.headers },
    })
    if (answer.headers['content-type'] !== taxiiType) throw new Error(`the type is ${answer.headers['content-type']}`)
    if (answer.status >= 400 && answer.body.http_status !== String(answer.status)) throw new Error(answer.text)
    for (const [name, value] of Object.entries(answer.body ?? {}))
      if (Array.isArray(value) && value.length === 0) throw new Error(`${name} is an empty list`)
    return answer
  }

  /** The path of a collection, found from the discovery on. */
  async collection(alias: string): Promise<string> {
    const { body: discovery } = await this.ask('/taxii2/')
    const { body } = await this.ask(`${discovery.default}collections/`)
    const found = body.collections?.find((each: { alias: string }) => each.alias === alias)
    if (found === undefined) throw new Error(`there is no collection ${alias}`)
    return `${discovery.default}collections/${found.id}/`
  }

  /** All objects of a collection, page by page. @param limits of the pages, one after the other */
  async objects(
    collection: string,
    filter: Readonly<Record<string, string>> = {},
    limits: readonly number[] = [1_000],
  ): Promise<StixObject[]> {
    const objects: StixObject[] = []
    let next: string | undefined
    for (let n = 0; ; n++) {
      const limit = String(limits[n % limits.length])
      const { body, status, text } = await this.ask(`${collection}objects/`, {
        ...filter,
        limit,
        ...(next && { next }),
      })
      if (status !== 200) throw new Error(text)
      if ((body.objects?.length ?? 0) > Number(limit)) throw new Error('a page is longer than asked')
      objects.push(...(body.objects ?? []))
      if (body.more !== true) return objects
      next = body.next
    }
  }

  /** Everything after a time, one page at a time, by the time of the last object alone. */
  async poll(
    collection: string,
    after: string | undefined,
    limit: number,
  ): Promise<{ objects: StixObject[]; last: string | undefined }> {
    const objects: StixObject[] = []
    for (let last = after; ; ) {
      const query = { limit: String(limit), ...(last === undefined ? {} : { added_after: last }) }
      const { body, headers, status, text } = await this.ask(`${collection}objects/`, query)
      if (status !== 200) throw new Error(text)
      objects.push(...(body.objects ?? []))
      last = (headers['x-taxii-date-added-last'] as string | undefined) ?? last
      if (body.more !== true) return { objects, last }
    }
  }

  async manifest(collection: string): Promise<{ id: string; date_added: string; version: string }[]> {
    const records: { id: string; date_added: string; version: string }[] = []
    for (let next: string | undefined; ; ) {
      const { body } = await this.ask(`${collection}manifest/`, { limit: '1000', ...(next && { next }) })
      records.push(...(body.objects ?? []))
      if (body.more !== true) return records
      next = body.next
    }
  }

  add(collection: string, envelope: object | string, headers: Record<string, string> = {}): Promise<Answer> {
    const payload = typeof envelope === 'string' ? envelope : JSON.stringify(envelope)
    return this.ask(
      `${collection}objects/`,
      {},
      { method: 'POST', payload, headers: { 'content-type': taxiiType, ...headers } },
    )
  }
}

let made = 0

/** A STIX indicator about an address that nothing else is about. */
export function indicator(more: object = {}): StixObject & Record<string, unknown> {
  made++
  const time = '2026-05-01T00:00:00.000Z'
  const high = made >> 16
  const end = `${high === 0 ? '' : `${high.toString(16)}:`}${(made & 0xffff).toString(16)}`
  return {
    type: 'indicator',
    spec_version: '2.1',
    id: `indicator--00000000-0000-4000-8000-${made.toString(16).padStart(12, '0')}`,
    created: time,
    modified: time,
    pattern: `[ipv6-addr:value = '3fff:abc::${end}']`,
    pattern_type: 'stix',
    valid_from: time,
    ...more,
  }
}

export const marked = (tlp: 'clear' | 'green' | 'amber'): object => ({
  object_marking_refs: [
    {
      clear: 'marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487',
      green: 'marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb',
      amber: 'marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421',
    }[tlp],
  ],
})
