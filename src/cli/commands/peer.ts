import { type Command, Option } from 'commander'
import type { NodeDescription } from '../../actions/federation-keys.ts'
import { type Peer, type PeerDirection, peerDirections } from '../../domain/peer.ts'
import { call, path } from '../client.ts'
import { printRows, printThing } from '../output.ts'
import { asClient, type ClientOptions, collect, type Shell, targetOf } from '../shell.ts'
import { addExchange } from './peer-exchange.ts'
import { addPeerKeys, type StatedOptions, statementIn } from './peer-keys.ts'
import { addQuarantine } from './peer-quarantine.ts'

interface Amendable {
  readonly name?: string
  readonly url?: string
  readonly direction?: PeerDirection
  readonly organisation?: readonly string[]
  readonly community?: readonly string[]
  readonly itemsPerHour?: string
  readonly bytesPerHour?: string
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
  addPeerKeys(peer, shell)
  addExchange(peer, shell)
  addQuarantine(peer, shell)
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
