import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { describeNode } from '../src/actions/federation-keys.ts'
import { actions, type Context, PageAhead, takePage } from '../src/actions/index.ts'
import { setUp } from '../src/actions/set-up.ts'
import { startContext } from '../src/actions/start.ts'
import { wayOut } from '../src/delivery/http.ts'
import { migrate } from '../src/store/migrate.ts'
import { type Line, rate, secondsOf } from './report.ts'
import { newDatabase } from './world.ts'

/** What 8-federation aims at, in items a second of one peer, signature checks included. */
const aimed = 5_000

/** What a node says of itself to who would enrol it. */
export interface Introduction {
  readonly statement: string
  readonly thumbprint: string
}

/** What the sender says once everything is published. */
export interface SenderReady extends Introduction {
  readonly id: string
  /** Where it says that it answers, and where it really does. */
  readonly issuer: string
  readonly url: string
}

export async function introduce(context: Context): Promise<Introduction> {
  const { statement, keys } = await describeNode(context)
  return { statement, thumbprint: keys[0]?.thumbprint ?? '' }
}

/**
 * Indicators a second that a node takes from a peer over HTTP, checked and applied, page after page; and that a node seals. The peer is a
 * process of its own, with a database of its own of one PostgreSQL. The limit is what is aimed at; a few thousand indicators are the
 * beginning of a process, half as fast.
 */
export async function peerLines(indicators: number): Promise<Line[]> {
  const child = fork(path.join(import.meta.dirname, 'peer-sender.js'), [await newDatabase()])
  child.once('exit', (code) => {
    if (code !== 0) throw new Error('the sender failed')
  })
  const url = await newDatabase()
  await migrate(url, 'migrations')
  const receiver = await startContext({
    database: { url, connections: 10, statementTimeoutMs: 600_000 },
    clock: () => new Date(),
    log: { info: () => {}, warn: () => {}, error: (facts) => console.error(facts) },
    version: 'bench',
    listen: true,
  })
  try {
    await said(child)
    child.send(indicators)
    const sender = (await said(child)) as SenderReady
    const context = await taking(sender, receiver)
    child.send(await introduce(context))
    const sealing = Number(await said(child))
    const seconds = await secondsOf(() => takeAll(context, sender.id, indicators))
    const aim = indicators < 50_000 ? 0.5 : 1
    return [
      rate('seal indicators, batches of one handling', 'items/s', indicators / sealing, aimed, aim),
      rate('take from a peer, checked and applied', 'items/s', indicators / seconds, aimed, aim),
    ]
  } finally {
    child.disconnect()
    await receiver.close()
    if (child.exitCode === null) await once(child, 'exit')
  }
}

/** What the sender says next. */
async function said(child: ChildProcess): Promise<unknown> {
  const [message] = await once(child, 'message')
  return message
}

/** Enrols the sender. @returns the receiver with a way to where it really answers */
async function taking(sender: SenderReady, receiver: Context): Promise<Context> {
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
      ask: (asked) => ask({ ...asked, url: asked.url.replace(sender.issuer, sender.url) }),
    },
  }
  const { statement, thumbprint } = sender
  await actions['add-peer'](context, admin, { statement, thumbprint, name: 'cert-br', organisations: ['cert-br'] })
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
