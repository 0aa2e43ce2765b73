import type { Test } from 'tap'
import type { AskedNode, WayOut } from '../../src/actions/context.ts'
import { sealFeed, takePage, tendPeers } from '../../src/actions/index.ts'
import type { Answer, TestNode } from '../node.ts'
import { testNode } from '../node.ts'

/** What a link does to a request: answers in the peer's place, or lets it through when it returns nothing. */
/** The answer in place of the peer's; undefined: the peer is asked. */
export type Meddle = (asked: AskedNode) => Promise<Awaited<ReturnType<WayOut['ask']>> | undefined> | undefined

/** Nodes of one process that reach each other by their real doors, over links that a test can cut and bend. */
export interface Federation {
  readonly nodes: Readonly<Record<string, TestNode>>
  node(name: string): TestNode
  /** Cuts what one node asks of another; the other way is another link. */
  cut(from: string, to: string): void
  heal(): void
  /** What one node gets when it asks another. */
  meddle(from: string, to: string, how: Meddle): void
  /** Sets the time of all nodes. */
  at(instant: string): void
  /** Everybody takes from everybody until nothing is left. @returns how many entries went over the links */
  settle(): Promise<number>
  /** One node takes what another has, page by page. */
  pull(at: string, from: string): Promise<number>
}

export const urlOf = (name: string): string => `https://${name}.example`

/** Who is at home where. Every node has the same directory, and the operator's organisation gives it its name. */
export type Homes = Readonly<Record<string, readonly string[]>>

export const threeHomes: Homes = {
  lacnic: ['lacnic', 'colcert', 'cert-mx', 'csirt-ar', 'observa-us'],
  'cert-br': ['cert-br', 'rede-sul'],
  'csirt-cl': ['csirt-cl', 'red-andina'],
}

export async function federation(t: Test, homes: Homes = threeHomes, links = pairsOf(homes)): Promise<Federation> {
  const nodes: Record<string, TestNode> = {}
  const cuts = new Set<string>()
  const meddlers = new Map<string, Meddle>()
  for (const name of Object.keys(homes)) {
    nodes[name] = await testNode(t, {
      operator: name,
      tokens: { issuer: urlOf(name) },
      wayOut: wayOutOf(name, nodes, cuts, meddlers),
    })
  }
  const node = (name: string): TestNode => {
    const found = nodes[name]
    if (found === undefined) throw new Error(`there is no node ${name}`)
    return found
  }
  for (const [a, b] of links) {
    await enrol(node(a), node(b), b, homes[b] ?? [])
    await enrol(node(b), node(a), a, homes[a] ?? [])
  }
  const pull = async (at: string, from: string): Promise<number> => {
    for (let entries = 0; ; ) {
      const taken = await takePage(node(at).context, node(from).context.node.id, 0)
      entries += taken.entries
      if (taken.failed !== undefined || !taken.more) return entries
    }
  }
  return {
    nodes,
    node,
    cut: (from, to) => void cuts.add(`${from} ${to}`),
    heal: () => cuts.clear(),
    meddle: (from, to, how) => void meddlers.set(`${from} ${to}`, how),
    at: (instant) => {
      for (const each of Object.values(nodes)) each.at(instant)
    },
    pull,
    settle: async () => {
      for (let total = 0; ; ) {
        let moved = 0
        for (const [a, b] of links) moved += (await pull(a, b)) + (await pull(b, a))
        for (const each of Object.values(nodes)) await tendPeers(each.context)
        total += moved
        if (moved === 0) return total
      }
    },
  }
}

const pairsOf = (homes: Homes): [string, string][] => {
  const names = Object.keys(homes)
  return names.flatMap((a, i) => names.slice(i + 1).map((b): [string, string] => [a, b]))
}

function wayOutOf(
  from: string,
  nodes: Readonly<Record<string, TestNode>>,
  cuts: ReadonlySet<string>,
  meddlers: ReadonlyMap<string, Meddle>,
): WayOut {
  return {
    refusal: () => undefined,
    post: async () => ({ error: 'nothing is sent' }),
    ask: async (asked) => {
      const { origin, pathname, search, hostname } = new URL(asked.url)
      const to = hostname.replace(/\.example$/, '')
      const there = nodes[to]
      if (there === undefined || cuts.has(`${from} ${to}`)) return { error: `${origin} does not answer` }
      const meddled = await meddlers.get(`${from} ${to}`)?.(asked)
      if (meddled !== undefined) return meddled
      const answer = await there.app.inject({
        method: asked.method,
        url: `${pathname}${search}`,
        headers: { ...asked.headers },
        ...(asked.body === undefined ? {} : { payload: Buffer.from(asked.body) }),
      })
      const headers = Object.entries(answer.headers).map(([name, value]) => [name, String(value)])
      return { status: answer.statusCode, headers: Object.fromEntries(headers), body: answer.rawPayload }
    },
  }
}

/** An administrator of the operator. */
export const adminOf = (node: TestNode): string => {
  const { accounts } = {
    accounts: ['admin.lacnic', 'admin.cert-br', 'admin.csirt-cl', 'admin.csirt-ar', 'admin.cert-mx'],
  }
  const found = accounts.find((each) => {
    try {
      node.as(each)
      return true
    } catch {
      return false
    }
  })
  if (found === undefined) throw new Error('the node has no administrator')
  return found
}

export const json = { 'content-type': 'application/json' }

export const post = (node: TestNode, account: string, url: string, payload: object = {}): Promise<Answer> =>
  node.call(account, { method: 'POST', url, headers: json, payload: JSON.stringify(payload) })

export async function enrol(
  here: TestNode,
  there: TestNode,
  name: string,
  organisations: readonly string[],
): Promise<Answer> {
  const { body } = await there.call('anonymous', { url: '/.well-known/puente' })
  const made = await post(here, adminOf(here), '/v1/peers', {
    ...{ statement: body.statement, thumbprint: body.keys[0].thumbprint, name, organisations },
  })
  if (made.status !== 201) throw new Error(made.text)
  return made
}

/** Publishes one address. @returns its STIX id */
export async function publish(node: TestNode, account: string, value: string, query: string): Promise<string> {
  const answer = await post(node, account, `/v1/indicators?${query}`, { type: 'ipv6-address', value })
  if (answer.body?.accepted !== 1) throw new Error(answer.text)
  const found = await node.call(account, { url: `/v1/indicators?value=${encodeURIComponent(value)}` })
  return found.body.items[0].id
}

/** What an account finds of a value. */
export async function sees(node: TestNode, account: string, value: string) {
  const found = await node.call(account, { url: `/v1/indicators?value=${encodeURIComponent(value)}` })
  return found.body.items[0]
}

/** Tables in which a text stands anywhere, as text or in bytes. */
export async function tablesWith(node: TestNode, text: string): Promise<string[]> {
  const { client } = node.context.database
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'`,
  )
  const found: string[] = []
  for (const { name } of rows) {
    const { rows: hits } = await client.query(
      `select 1 from "${name}" t where t::text like $1 or t::text like $2 limit 1`,
      [`%${text}%`, `%${Buffer.from(text).toString('hex')}%`],
    )
    if (hits.length > 0) found.push(name)
  }
  return found.sort()
}

export { sealFeed }
