import { readFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import type { NodeDescription, RotatedNodeKey } from '../../actions/federation-keys.ts'
import type { Pulled } from '../../actions/pull-peer.ts'
import type { QuarantinedItem, Released } from '../../actions/quarantine.ts'
import type { PeerState } from '../../actions/read-peer.ts'
import { type Peer, type PeerDirection, peerDirections } from '../../domain/peer.ts'
import { call, path } from '../client.ts'
import { CommandError, exitCodes } from '../exit.ts'
import { printRows, printThing } from '../output.ts'
import { asClient, type ClientOptions, collect, type Shell, targetOf } from '../shell.ts'

interface Amendable {
  readonly name?: string
  readonly url?: string
  readonly direction?: PeerDirection
  readonly organisation?: readonly string[]
  readonly community?: readonly string[]
  readonly itemsPerHour?: string
  readonly bytesPerHour?: string
}

interface StatedOptions extends ClientOptions {
  readonly description: string
  readonly thumbprint?: string
}

/** `puente peer`: other nodes, enrolled by hand on both sides. */
export function addPeer(program: Command, shell: Shell): void {
  const peer = program.command('peer').description('other nodes with which this one shares')

  asClient(peer.command('list').description('all of them, expelled ones too')).action(
    async (options: ClientOptions) => {
      const { items } = await call<{ items: Peer[] }>(targetOf(shell, options), '/v1/peers')
      printRows(shell, options.json, items, [
        ['NODE', ({ id }) => id],
        ['NAME', ({ name }) => name],
        ['STATE', ({ state }) => state],
        ['DIRECTION', ({ direction }) => direction],
        ['URL', ({ url }) => url],
        ['AT HOME THERE', ({ organisations }) => organisations.join(' ')],
        ['KEYS', ({ keys }) => keys.filter(({ revokedAt }) => revokedAt === undefined).length],
      ])
    },
  )

  asClient(peer.command('describe').description("what this node says of itself, for the other's operator")).action(
    async (options: ClientOptions) => {
      const said = await call<NodeDescription & { statement: string }>(targetOf(shell, options), '/.well-known/puente')
      const { node, url, keys } = said
      if (options.json === true) shell.print(JSON.stringify(said))
      else
        printThing(shell, false, {
          node,
          url,
          ...Object.fromEntries(keys.map(({ thumbprint, signsFrom }) => [thumbprint, `signs from ${signsFrom}`])),
        })
    },
  )

  asClient(amending(peer.command('add').description('enrol another node (operator)')))
    .requiredOption('--name <name>', 'as people know it')
    .requiredOption('--description <file>', 'what its /.well-known/puente gave; - is standard input')
    .requiredOption('--thumbprint <thumbprint>', 'of its key, as you compared it with its operator by another way')
    .action(async ({ description, thumbprint, ...options }: StatedOptions & Amendable) => {
      const body = { statement: statementIn(description), thumbprint, ...amendment(options) }
      printThing(shell, options.json, await call(targetOf(shell, options), '/v1/peers', { method: 'POST', body }))
    })

  asClient(amending(peer.command('amend <node>').description('change what is given of it (operator)')))
    .option('--name <name>', 'as people know it')
    .option('--at <url>', 'where it is called')
    .action(async (node: string, { at, ...options }: ClientOptions & Amendable & { readonly at?: string }) => {
      await amend(node, options, { ...amendment(options), url: at })
    })

  const amend = async (node: string, options: ClientOptions, body: object) =>
    printThing(
      shell,
      options.json,
      await call(targetOf(shell, options), path('v1', 'peers', node), { method: 'PATCH', body }),
    )
  asClient(peer.command('suspend <node>').description('nothing goes either way until it is resumed (operator)')).action(
    (node: string, options: ClientOptions) => amend(node, options, { suspended: true }),
  )
  asClient(peer.command('resume <node>').description('the contrary (operator)')).action(
    (node: string, options: ClientOptions) => amend(node, options, { suspended: false }),
  )

  asClient(peer.command('expel <node>').description('end the relation, at once (operator)')).action(
    async (node: string, options: ClientOptions) => {
      const place = path('v1', 'peers', node, 'expel')
      printThing(shell, options.json, await call(targetOf(shell, options), place, { method: 'POST' }))
    },
  )
  addKeys(peer, shell)
  addExchange(peer, shell)
}

/** Keys of peers, and this node's own. */
function addKeys(peer: Command, shell: Shell): void {
  asClient(peer.command('pin <node>').description('pin its new keys: endorsed by a pinned one, or compared (operator)'))
    .requiredOption('--description <file>', 'what its /.well-known/puente gave; - is standard input')
    .option('--thumbprint <thumbprint>', 'of its key, as you compared it; not needed for one that is endorsed')
    .action(async (node: string, { description, thumbprint, ...options }: StatedOptions) => {
      const body = { statement: statementIn(description), thumbprint }
      const place = path('v1', 'peers', node, 'keys')
      printThing(shell, options.json, await call(targetOf(shell, options), place, { method: 'POST', body }))
    })

  asClient(peer.command('revoke <node> <thumbprint>').description('take one of its keys back (operator)'))
    .option('--from <time>', 'since when somebody else may have it, ISO 8601; now when absent')
    .action(async (node: string, thumbprint: string, { from, ...options }: ClientOptions & { from?: string }) => {
      const request = { method: 'POST', body: { from } } as const
      const place = path('v1', 'peers', node, 'keys', thumbprint, 'revoke')
      printThing(shell, options.json, await call(targetOf(shell, options), place, request))
    })

  asClient(peer.command('rotate').description('a new key of this node towards its peers (operator)'))
    .option('--drop-others', 'take the earlier ones back at once: peers must compare the new one by hand')
    .action(async ({ dropOthers, ...options }: ClientOptions & { readonly dropOthers?: boolean }) => {
      const request = { method: 'POST', body: { dropOthers: dropOthers === true } } as const
      printThing(
        shell,
        options.json,
        await call<RotatedNodeKey>(targetOf(shell, options), '/v1/federation-keys', request),
      )
    })
}

/** How it goes with a peer, and what of it was not applied. */
function addExchange(peer: Command, shell: Shell): void {
  asClient(peer.command('state <node>').description('what was taken and given, what waits, what is overdue')).action(
    async (node: string, options: ClientOptions) => {
      const { peer: _, taking, giving } = await call<PeerState>(targetOf(shell, options), path('v1', 'peers', node))
      printThing(shell, options.json, { ...taking, ...giving })
    },
  )
  asClient(peer.command('pull <node>').description('ask for its next page now (operator)')).action(
    async (node: string, options: ClientOptions) => {
      const place = path('v1', 'peers', node, 'pull')
      printThing(shell, options.json, await call<Pulled>(targetOf(shell, options), place, { method: 'POST' }))
    },
  )
  asClient(peer.command('quarantine').description('what peers sent and was not applied'))
    .option('--peer <node>', 'of this one')
    .option('--code <code>', 'for this reason')
    .option('--after <id>', 'the last one of the page before')
    .option('--limit <number>', '1 to 1,000; 100 when absent')
    .action(async ({ peer: of, code, after, limit, ...options }: ClientOptions & QuarantineOptions) => {
      const asked = Object.entries({ peer: of, code, after, limit }).filter(([, value]) => value !== undefined)
      const query = new URLSearchParams(asked as [string, string][])
      const { items } = await call<{ items: QuarantinedItem[] }>(
        targetOf(shell, options),
        `/v1/quarantine${query.size === 0 ? '' : `?${query}`}`,
      )
      printRows(shell, options.json, items, [
        ['ID', ({ id }) => id],
        ['WHY', ({ code }) => code],
        ['WHAT', ({ item }) => item],
        ['VERSION', ({ version }) => version],
        ['OF', ({ originator }) => originator],
        ['FROM', ({ peer }) => peer],
        ['WHEN', ({ at }) => at],
        ['RELEASABLE', ({ releasable }) => (releasable ? 'yes' : 'no')],
      ])
    })
  asClient(peer.command('inspect <id>').description('one of them, with its envelope where that is kept')).action(
    async (id: string, options: ClientOptions) =>
      printThing(
        shell,
        options.json,
        await call<QuarantinedItem>(targetOf(shell, options), path('v1', 'quarantine', id)),
      ),
  )
  asClient(peer.command('release <id>').description('examine one again, and apply it if it may be (operator)')).action(
    async (id: string, options: ClientOptions) => {
      const place = path('v1', 'quarantine', id, 'release')
      const released = await call<Released>(targetOf(shell, options), place, { method: 'POST' })
      if (released.outcome !== 'applied' && released.outcome !== 'known') shell.exitWith(exitCodes.refused)
      printThing(shell, options.json, released)
    },
  )
  asClient(peer.command('drop <id>').description('drop one for good (operator)')).action(
    async (id: string, options: ClientOptions) => {
      await call(targetOf(shell, options), path('v1', 'quarantine', id), { method: 'DELETE' })
      shell.print(options.json === true ? JSON.stringify({ dropped: id }) : `dropped ${id}`)
    },
  )
}

interface QuarantineOptions {
  readonly peer?: string
  readonly code?: string
  readonly after?: string
  readonly limit?: string
}

const amending = (command: Command): Command =>
  command
    .addOption(new Option('--direction <direction>', 'which way indicators go').choices(peerDirections))
    .option('--organisation <id>', 'at home there: repeat for all of them', collect)
    .option('--community <id>', 'whose members it keeps: repeat for all of them', collect)
    .option('--items-per-hour <number>', 'taken from it at most')
    .option('--bytes-per-hour <number>', 'taken from it at most')

const amendment = ({ name, direction, organisation, community, itemsPerHour, bytesPerHour }: Amendable): object => ({
  name,
  direction,
  organisations: organisation,
  communities: community,
  itemsPerHour: itemsPerHour === undefined ? undefined : Number(itemsPerHour),
  bytesPerHour: bytesPerHour === undefined ? undefined : Number(bytesPerHour),
})

/** The signed statement of a description. @throws {CommandError} */
function statementIn(file: string): string {
  let text: string
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (cause) {
    throw new CommandError(exitCodes.usage, `${file} cannot be read`, { cause })
  }
  try {
    const { statement } = JSON.parse(text) as { readonly statement?: unknown }
    if (typeof statement === 'string') return statement
  } catch {
    // Said below: it is no description either way.
  }
  throw new CommandError(exitCodes.usage, `${file} is no description of a node: fetch its /.well-known/puente`)
}
