import { describeNode } from '../src/actions/federation-keys.ts'
import { actions, type Context, PageAhead, sealFeed, takePage } from '../src/actions/index.ts'
import { setUp } from '../src/actions/set-up.ts'
import { startContext } from '../src/actions/start.ts'
import { wayOut } from '../src/delivery/http.ts'
import { startThrowAway } from '../src/store/embedded/throw-away.ts'
import { migrate } from '../src/store/migrate.ts'
import { type Line, rate, secondsOf } from './report.ts'
import { type BenchNode, startBenchNode } from './world.ts'

/** What 8-federation aims at, in items a second of one peer, signature checks included. */
const aimed = 5_000

/**
 * Indicators a second that a node takes from a peer over HTTP, checked and applied, page after page; and that a node seals. Both nodes
 * are in this process, on PostgreSQLs of this machine. The limit is what is aimed at.
 */
export async function peerLines(indicators: number): Promise<Line[]> {
  const sender = await startBenchNode()
  const server = await startThrowAway()
  await migrate(server.url, 'migrations')
  const receiver = await startContext({
    database: { url: server.url, connections: 10, statementTimeoutMs: 600_000 },
    clock: () => new Date(),
    log: { info: () => {}, warn: () => {}, error: (facts) => console.error(facts) },
    version: 'bench',
    listen: true,
  })
  try {
    await push(sender, indicators)
    const context = await enrolled(sender, receiver)
    const sealing = await secondsOf(() => sealFeed(sender.context))
    const taking = await secondsOf(() => takeAll(context, sender.context.node.id, indicators))
    return [
      rate('seal indicators, batches of one handling', 'items/s', indicators / sealing, aimed, 1),
      rate('take from a peer, checked and applied', 'items/s', indicators / taking, aimed, 1),
    ]
  } finally {
    await receiver.close()
    await server.stop()
    await sender.close()
  }
}

async function push({ url, publisher }: BenchNode, indicators: number): Promise<void> {
  const lines = Array.from({ length: indicators }, (_, n) =>
    JSON.stringify({
      type: 'ipv6-address',
      value: `3fff:0:${(n >> 16).toString(16)}::${(n & 0xffff).toString(16)}`,
      labels: ['scan'],
    }),
  )
  const answer = await fetch(`${url}/v1/indicators?tlp=clear`, {
    method: 'POST',
    headers: { ...publisher, 'content-type': 'application/x-ndjson' },
    body: lines.join('\n'),
  })
  if (answer.status !== 200) throw new Error(await answer.text())
}

/** Both enrol each other. @returns the receiver with a way to where the sender really answers */
async function enrolled(sender: BenchNode, receiver: Context): Promise<Context> {
  const { ask } = wayOut({ privateHosts: ['127.0.0.1'] })
  const { accounts } = await setUp(receiver, {
    organisation: { id: 'csirt-cl', name: 'CSIRT Chile', kind: 'national-cert', jurisdiction: 'CL' },
  })
  const admin = await actions.authenticate(receiver, { authorization: `Bearer ${accounts[0]?.apiKey}` })
  const cert = { id: 'cert-br', name: 'CERT.br', kind: 'national-cert', jurisdiction: 'BR' } as const
  await actions['enrol-organisation'](receiver, admin, cert)
  const context: Context = {
    ...receiver,
    wayOut: {
      refusal: () => undefined,
      post: async () => ({ error: 'nothing is sent' }),
      ask: (asked) => ask({ ...asked, url: asked.url.replace(sender.context.tokens.issuer, sender.url) }),
    },
  }
  const enrol = async (here: Context, caller: typeof admin, there: Context, organisation: string) => {
    const { statement, keys } = await describeNode(there)
    const thumbprint = keys[0]?.thumbprint ?? ''
    await actions['add-peer'](here, caller, {
      statement,
      thumbprint,
      name: organisation,
      organisations: [organisation],
    })
  }
  await enrol(context, admin, sender.context, 'cert-br')
  await sender.context.database.client.query(
    "insert into organisation (id, name, kind, jurisdiction) values ('csirt-cl', 'CSIRT Chile', 'national-cert', 'CL')",
  )
  const operator = { ...admin, operator: true }
  await sender.context.policy.current()
  const { rows } = await sender.context.database.client.query<{ id: string }>(
    "select id from account where id = 'admin.cert-br'",
  )
  if (rows.length === 0) throw new Error('the bench node has no administrator')
  const own = { ...operator, reader: { ...admin.reader, account: 'admin.cert-br' } }
  const sending: Context = { ...sender.context, wayOut: context.wayOut }
  await enrol(sending, { ...own, provenAt: (await sending.policy.current()).directory.epoch }, receiver, 'csirt-cl')
  return context
}

async function takeAll(context: Context, peer: string, indicators: number): Promise<void> {
  const ahead = new PageAhead()
  for (let taken = 0; taken < indicators; ) {
    const { entries, failed } = await takePage(context, peer, 5, undefined, ahead)
    if (failed !== undefined) throw new Error(failed)
    taken += entries
  }
}
