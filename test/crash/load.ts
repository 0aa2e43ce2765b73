import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { rowsOf } from './postgres.ts'

/** What was acknowledged to the clients, and how they were answered. */
export interface Told {
  readonly values: Set<string>
  /** Id and version of each acknowledged revision. */
  readonly revised: { readonly id: string; readonly version: number }[]
  readonly recalled: Set<string>
  /** Answers by status; 0: none came. */
  readonly answers: Map<number, number>
  /** Answers that should not have been given. */
  readonly wrong: string[]
}

export interface Load {
  readonly told: Told
  stop(): Promise<void>
}

const perPush = 200

/** Clients that push, publish one, revise, recall and read, until stopped; what fails is tried again with something else. */
export function startLoad(urlOf: () => string, key: string): Load {
  const told: Told = { values: new Set(), revised: [], recalled: new Set(), answers: new Map(), wrong: [] }
  const stopping = new AbortController()
  const { signal } = stopping
  const client = new Client(urlOf, key, told)
  let n = 0
  const publish = async (count: number): Promise<string[]> => {
    const values = Array.from({ length: count }, () => `n${n++}.crash.example.com`)
    const body = values.map((value) => `${JSON.stringify({ value })}\n`).join('')
    const answer = await client.ask('POST', '/v1/indicators?tlp=green', 'application/x-ndjson', body)
    if (answer?.accepted !== count) return []
    for (const value of values) told.values.add(value)
    return values
  }
  const found = async (value: string): Promise<string | undefined> =>
    (await client.ask('GET', `/v1/indicators?value=${value}`))?.items[0]?.id
  const acts: readonly (() => Promise<unknown>)[] = [
    () => publish(perPush),
    () => publish(perPush),
    () => publish(1),
    async () => {
      const [value] = await publish(1)
      const id = value === undefined ? undefined : await found(value)
      for (let confidence = 1; id !== undefined && confidence < 4; confidence++) {
        const answer = await client.ask(
          'PATCH',
          `/v1/indicators/${id}`,
          'application/json',
          JSON.stringify({ confidence }),
        )
        if (answer !== undefined) told.revised.push({ id, version: answer.version })
      }
    },
    async () => {
      const [value] = await publish(1)
      const id = value === undefined ? undefined : await found(value)
      if (id === undefined) return
      const answer = await client.ask('POST', `/v1/indicators/${id}/recall`, 'application/json', '{"reason":"wrong"}')
      if (answer !== undefined) told.recalled.add(id)
    },
    () => client.ask('GET', '/v1/indicators?limit=50'),
  ]
  const running = acts.map(async (act) => {
    while (!signal.aborted) {
      await act()
      // A client that is refused does not try again at once.
      await sleep(5)
    }
  })
  return {
    told,
    stop: async () => {
      stopping.abort()
      await Promise.all(running)
    },
  }
}

class Client {
  readonly #urlOf: () => string
  readonly #key: string
  readonly #told: Told

  constructor(urlOf: () => string, key: string, told: Told) {
    this.#urlOf = urlOf
    this.#key = key
    this.#told = told
  }

  /** The body of a good answer; undefined for any other, which is judged here. */
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers as they come
  async ask(method: string, path: string, type?: string, body?: string): Promise<any> {
    const { answers, wrong } = this.#told
    let status = 0
    try {
      const answer = await fetch(`${this.#urlOf()}${path}`, {
        method,
        headers: { authorization: `Bearer ${this.#key}`, ...(type === undefined ? {} : { 'content-type': type }) },
        ...(body === undefined ? {} : { body }),
        signal: AbortSignal.timeout(20_000),
      })
      const text = await answer.text()
      status = answer.status
      if (status === 200) return JSON.parse(text)
      const isBusy = status === 503 && answer.headers.get('retry-after') !== null
      if (!isBusy) wrong.push(`${method} ${path}: ${status} ${text.slice(0, 300)}`)
    } catch (error) {
      // The server died under it. Hanging is something else.
      if (error instanceof Error && error.name === 'TimeoutError') wrong.push(`${method} ${path}: no answer in 20 s`)
    } finally {
      answers.set(status, (answers.get(status) ?? 0) + 1)
    }
    await sleep(20)
    return undefined
  }
}

/** Holds what is in the database against what was acknowledged: nothing lost, nothing doubled, everything on the log. */
export async function audit(t: Test, url: string, { values, revised, recalled }: Told): Promise<void> {
  const stored = new Set((await rowsOf(url, 'select value from indicator')).map(({ value }) => value))
  const lost = [...values].filter((value) => !stored.has(value))
  t.strictSame(lost.slice(0, 5), [], `${values.size} acknowledged values are there`)
  const versions = await rowsOf(
    url,
    `select 'indicator--' || stix_id || ' ' || version as it from indicator
     union all select 'indicator--' || stix_id || ' ' || version from indicator_version`,
  )
  const kept = new Set(versions.map(({ it }) => it))
  const unrevised = revised.filter(({ id, version }) => !kept.has(`${id} ${version}`))
  t.strictSame(unrevised, [], `${revised.length} acknowledged revisions are there`)
  const gone = await rowsOf(url, `select 'indicator--' || stix_id as id from indicator where recalled`)
  const withdrawn = new Set(gone.map(({ id }) => id))
  t.strictSame(
    [...recalled].filter((id) => !withdrawn.has(id)),
    [],
    `${recalled.size} acknowledged recalls are in force`,
  )
  const [counts] = await rowsOf(
    url,
    `select
       (select count(*) from indicator)::int - (select count(distinct value) from indicator)::int as doubled,
       (select count(*) from indicator)::int + (select count(*) from indicator_version)::int - (select count(*) from feed)::int as unfed,
       (select coalesce(max(position), 0) from feed)::int - (select count(*) from feed)::int as holes,
       (select count(*) from feed)::int - (select count(distinct (originator, stix_id, version)) from feed)::int as twice,
       (select count(*) from (select at <= lag(at) over (order by position) as back from feed) f where back)::int as backwards,
       (select count(*) from indicator i where not exists
         (select from feed f where f.position = i.position and f.stix_id = i.stix_id and f.version = i.version))::int as misplaced,
       (select position from feed_head)::int - (select coalesce(max(position), 0) from feed)::int as ahead,
       (select count(*) from audit_leaf)::int - (select count(*) from audit_subject)::int as unsaid,
       (select count(*) from feed)::int
         - (select coalesce(sum((subject::json->>'written')::int), 0) from audit_subject s join audit_leaf a on a.id = s.leaf where a.action = 'publish')::int
         - (select count(*) from audit_leaf where action in ('revise', 'recall') and decision = 'permit')::int as unlogged`,
  )
  const zero = Object.fromEntries(Object.keys(counts).map((name) => [name, 0]))
  t.strictSame(counts, zero, 'rows, feed and log agree: nothing doubled, no hole, in order, all of it on the log')
}
