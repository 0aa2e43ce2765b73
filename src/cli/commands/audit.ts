import { writeFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import type { Inclusion, SignedHead } from '../../actions/audit-proofs.ts'
import type { Leaf, LeafPage } from '../../actions/list-leaves.ts'
import type { CaseTrail } from '../../actions/read-trail.ts'
import { leavesOf } from '../../policy/knowing.ts'
import { checkEvidence, keyFrom } from '../audit/evidence.ts'
import { type VerifyOptions, verifyNow } from '../audit/verify.ts'
import { call, path, refusal, send } from '../client.ts'
import { CommandError, exitCodes } from '../exit.ts'
import { printRows, printThing } from '../output.ts'
import { asClient, type ClientOptions, collect, type Shell, targetOf } from '../shell.ts'

/** `puente audit`: the log, its proofs, and its examination. */
export function addAudit(program: Command, shell: Shell): void {
  const audit = program.command('audit').description('the audit log: heads, leaves, proofs, and its examination')

  audit
    .command('verify')
    .description('examine the whole log in the database, also while the node is down; changes nothing')
    .option('--checkpoint <file>', 'a checkpoint kept outside, which the log must extend; repeat for several', collect)
    .option('--key <key>', 'name+id+key of the log, known from elsewhere; the node’s own otherwise')
    .option('--peers', 'ask peers for the checkpoints that they have kept: the log must extend those too')
    .option('--json', 'for machines: one JSON document')
    .action((options: VerifyOptions) => verifyNow(shell, options))

  asClient(audit.command('key').description('the public key that signs checkpoints')).action(
    async (options: ClientOptions) => {
      const { key } = await call<{ key: string }>(targetOf(shell, options), '/v1/audit/key')
      shell.print(options.json === true ? JSON.stringify({ key }) : key)
    },
  )

  asClient(audit.command('checkpoint').description('the newest signed head of the log: keep it elsewhere'))
    .option('--list', 'all of them, for accounts, after --after')
    .option('--after <size>', 'with --list: of trees larger than this')
    .action((options: CheckpointOptions) => checkpoint(shell, options))

  addLeaves(audit, shell)
  addProofs(audit, shell)
}

interface CheckpointOptions extends ClientOptions {
  readonly list?: boolean
  readonly after?: string
}

async function checkpoint(shell: Shell, { list, after, ...options }: CheckpointOptions): Promise<void> {
  const target = targetOf(shell, options)
  if (list !== true) {
    const answer = await send(target, '/v1/audit/checkpoint')
    if (answer.status !== 200) throw refusal(target, answer)
    shell.print(options.json === true ? JSON.stringify({ note: answer.text }) : answer.text.trimEnd())
    return
  }
  const query = after === undefined ? '' : `?after=${encodeURIComponent(after)}`
  const { items } = await call<{ items: SignedHead[] }>(target, `/v1/audit/checkpoints${query}`)
  printRows(shell, options.json, items, [
    ['SIZE', ({ size }) => size],
    ['AT', ({ at }) => at],
    ['ROOT', ({ root }) => root],
  ])
}

interface LeavesOptions extends ClientOptions {
  readonly of?: string
  readonly action?: string
  readonly receipt?: string
  readonly since?: string
  readonly until?: string
  readonly before?: string
  readonly limit?: string
}

function addLeaves(audit: Command, shell: Shell): void {
  asClient(audit.command('leaves').description('leaves of the log, the newest first'))
    .addOption(new Option('--of <whose>', 'your own acts, your organisation’s, or all of the node').choices(leavesOf))
    .option('--action <verb>', 'such as publish')
    .option('--receipt <id>', 'from the receipt of a push')
    .option('--since <time>', 'ISO 8601')
    .option('--until <time>', 'ISO 8601')
    .option('--before <id>', 'only those before this number')
    .option('--limit <n>', 'at most so many (100)')
    .action(async ({ url, key, json, ...filter }: LeavesOptions) => {
      const options = { ...(url === undefined ? {} : { url }), ...(key === undefined ? {} : { key }) }
      const query = new URLSearchParams(Object.entries(filter))
      const { items } = await call<LeafPage>(targetOf(shell, options), `/v1/audit/leaves?${query}`)
      const said = (leaf: Leaf) => JSON.parse(leaf.text) as Record<'at' | 'action' | 'actor' | 'decision', string>
      printRows(shell, json, items, [
        ['ID', ({ id }) => id],
        ['AT', (leaf) => said(leaf).at],
        ['ACTION', (leaf) => said(leaf).action],
        ['ACTOR', (leaf) => said(leaf).actor],
        ['DECISION', (leaf) => said(leaf).decision],
        ['PLACE', ({ index }) => index],
      ])
    })
}

/** All pages of a trail, in the tree of the first. */
async function trailOf(target: ReturnType<typeof targetOf>, request: string): Promise<CaseTrail> {
  const to = path('v1', 'legal-requests', request, 'trail')
  let { next, ...trail } = await call<CaseTrail>(target, `${to}?limit=1000`)
  while (next !== undefined) {
    const more: CaseTrail = await call<CaseTrail>(target, `${to}?limit=1000&size=${trail.size}&after=${next}`)
    trail = { ...trail, leaves: [...trail.leaves, ...more.leaves] }
    next = more.next
  }
  return trail
}

interface ProveOptions extends ClientOptions {
  readonly out?: string
}

function addProofs(audit: Command, shell: Shell): void {
  asClient(audit.command('prove <leaf>').description('evidence that a leaf is in the log: its number, or its hash'))
    .option('--out <file>', 'write it to a file')
    .action(async (leaf: string, { out, ...options }: ProveOptions) => {
      const name = /^[0-9a-f]{64}$/.test(leaf) ? 'hash' : 'leaf'
      const place = `/v1/audit/proofs/inclusion?${name}=${encodeURIComponent(leaf)}`
      const text = JSON.stringify(await call<Inclusion>(targetOf(shell, options), place))
      if (out === undefined) shell.print(text)
      else writeFileSync(out, `${text}\n`)
    })

  asClient(
    audit.command('trail <request>').description('what the log has of one legal request, as evidence in one file'),
  )
    .requiredOption('--out <file>', 'a new file')
    .action(async (request: string, { out, ...options }: ProveOptions & { readonly out: string }) => {
      const trail = await trailOf(targetOf(shell, options), request)
      try {
        writeFileSync(out, `${JSON.stringify(trail)}\n`, { flag: 'wx', mode: 0o600 })
      } catch (cause) {
        throw new CommandError(exitCodes.usage, `${out} cannot be written`, { cause })
      }
      printThing(shell, options.json, { file: out, leaves: trail.leaves.length, size: trail.size })
    })

  audit
    .command('check <file>')
    .description('check evidence of `prove` or `trail` offline: leaves, proofs, checkpoint and signature')
    .requiredOption('--key <key>', 'name+id+key of the log, known from elsewhere')
    .option('--json', 'for machines: one JSON document')
    .action((file: string, { key, json }: { key: string; json?: boolean }) => {
      const checked = checkEvidence(file, keyFrom(key))
      printThing(shell, json, checked)
      if (checked.faults.length > 0) shell.exitWith(exitCodes.refused)
    })
}
