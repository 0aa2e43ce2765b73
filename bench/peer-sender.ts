/**
 * A node that another one takes indicators from, in a process of its own (`fork`): nodes share no processor's turn. It publishes and seals, says
 * who it is, and enrols who asks. Argument: the url of its database, a new one.
 */
import { actions, sealFeed } from '../src/actions/index.ts'
import { type Introduction, introduce, type SenderReady } from './peers.ts'
import { secondsOf } from './report.ts'
import { type BenchNode, startBenchNode } from './world.ts'

async function ready({ context, url, publisher }: BenchNode, indicators: number): Promise<SenderReady> {
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
  return { ...(await introduce(context)), id: context.node.id, issuer: context.tokens.issuer, url }
}

/** Enrols the node that is to take from this one, and seals what it may have. @returns the seconds that sealing took */
async function enrol({ context, publisher }: BenchNode, introduction: Introduction): Promise<number> {
  await context.database.client.query(
    "insert into organisation (id, name, kind, jurisdiction) values ('csirt-cl', 'CSIRT Chile', 'national-cert', 'CL')",
  )
  const caller = await actions.authenticate(context, publisher)
  const reader = { ...caller.reader, account: 'admin.cert-br' }
  const { directory } = await context.policy.current()
  const operator = { ...caller, reader, scopes: ['admin' as const], operator: true, provenAt: directory.epoch }
  await actions['add-peer'](context, operator, { ...introduction, name: 'csirt-cl', organisations: ['csirt-cl'] })
  return await secondsOf(() => sealFeed(context))
}

const node = await startBenchNode({}, process.argv[2])
process.once('disconnect', () => void node.close())
process.on('message', (message: number | Introduction) => {
  const answer = typeof message === 'number' ? ready(node, message) : enrol(node, message)
  answer.then(
    (said) => process.send?.(said),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})
process.send?.('started')
