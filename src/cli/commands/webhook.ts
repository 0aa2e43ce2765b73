import { type Command, Option } from 'commander'
import type { Subscription, SubscriptionWithSecret } from '../../actions/subscription-view.ts'
import type { DeadLetter, Pinged, RotatedSecret } from '../../actions/webhook-upkeep.ts'
import { tlps } from '../../domain/tlp.ts'
import { call, path } from '../client.ts'
import { exitCodes } from '../exit.ts'
import { printRows, printThing } from '../output.ts'
import { asClient, type ClientOptions, type Shell, targetOf } from '../shell.ts'

interface PlaceOptions extends ClientOptions {
  readonly from?: string
  readonly cursor?: string
  readonly batch?: string
}

interface CreateOptions extends PlaceOptions {
  readonly name: string
  readonly ownSystem?: boolean
  readonly type?: readonly string[]
  readonly tlp?: readonly string[]
  readonly class?: readonly string[]
  readonly country?: readonly string[]
  readonly asn?: readonly string[]
  readonly network?: string
  readonly domain?: string
  readonly originator?: readonly string[]
  readonly minConfidence?: string
}

interface AmendOptions extends PlaceOptions {
  readonly name?: string
  readonly endpoint?: string
  readonly pause?: boolean
  readonly resume?: boolean
}

const place = (...more: readonly string[]) => path('v1', 'subscriptions', ...more)

/** `puente webhook`: where changes are sent. */
export function addWebhook(program: Command, shell: Shell): void {
  const webhook = program.command('webhook').description('have changes sent to an endpoint')

  asClient(webhook.command('list').description('yours, and how they go')).action(async (options: ClientOptions) => {
    const { items } = await call<{ items: Subscription[] }>(targetOf(shell, options), place())
    printRows(shell, options.json, items, [
      ['ID', ({ id }) => id],
      ['NAME', ({ name }) => name],
      ['URL', ({ url }) => url],
      ['STATE', ({ state, paused }) => (paused === undefined ? state : `${state}: ${paused.reason}`)],
      ['WAITING', ({ waiting }) => waiting],
      ['DEAD', ({ deadLetters }) => deadLetters],
      ['LAST', ({ lastOutcome }) => lastOutcome],
      ['NEXT', ({ nextAttemptAt }) => nextAttemptAt],
    ])
  })

  addCreate(webhook, shell)
  addAmend(webhook, shell)

  asClient(webhook.command('remove <id>').description('end one, with what waits and its dead letters')).action(
    async (id: string, options: ClientOptions) => {
      await call(targetOf(shell, options), place(id), { method: 'DELETE' })
      shell.print(options.json === true ? JSON.stringify({ removed: id }) : `removed ${id}`)
    },
  )

  asClient(webhook.command('rotate <id>').description('a new secret, shown this once'))
    .option('--old-secret-seconds <seconds>', 'how long the present one signs beside it', '86400')
    .action(async (id: string, { oldSecretSeconds, ...options }: ClientOptions & { oldSecretSeconds: string }) => {
      const body = { oldSecretSeconds: Number(oldSecretSeconds) }
      const rotated = await call<RotatedSecret>(targetOf(shell, options), place(id, 'secret'), { method: 'POST', body })
      if (options.json === true) return shell.print(JSON.stringify(rotated))
      shell.say(`the secret before signs too until ${rotated.oldSecretUntil}; the new one, shown this once:`)
      shell.print(rotated.secret)
    })

  asClient(webhook.command('ping <id>').description('send something signed and without content, now')).action(
    async (id: string, options: ClientOptions) => {
      const pinged = await call<Pinged>(targetOf(shell, options), place(id, 'ping'), { method: 'POST' })
      printThing(shell, options.json, pinged)
      if (!pinged.delivered) shell.exitWith(exitCodes.refused)
    },
  )

  asClient(webhook.command('dead-letters <id>').description('deliveries that were given up')).action(
    async (id: string, options: ClientOptions) => {
      const { items } = await call<{ items: DeadLetter[] }>(targetOf(shell, options), place(id, 'dead-letters'))
      printRows(shell, options.json, items, [
        ['ID', (letter) => letter.id],
        ['CREATED', ({ createdAt }) => createdAt],
        ['GIVEN UP', ({ deadAt }) => deadAt],
        ['ATTEMPTS', ({ attempts }) => attempts],
        ['REASON', ({ reason }) => reason],
        ['CHANGES', ({ ids }) => ids.length],
      ])
    },
  )

  asClient(
    webhook.command('replay <id> [letter...]').description('send dead letters again; all, or those named'),
  ).action(async (id: string, letters: readonly string[], options: ClientOptions) => {
    const body = letters.length === 0 ? {} : { letters }
    const target = targetOf(shell, options)
    printThing(shell, options.json, await call(target, place(id, 'dead-letters', 'replay'), { method: 'POST', body }))
  })
}

function addCreate(webhook: Command, shell: Shell): void {
  asClient(placed(webhook.command('create <endpoint>').description('a new one; its secret is shown this once')))
    .requiredOption('--name <name>', 'what it is for')
    .option('--own-system', 'the endpoint is your own: PAP:AMBER and RED are sent too')
    .option('--type <type...>', 'only these observable types')
    .addOption(new Option('--tlp <label...>', 'only these labels').choices(tlps))
    .option('--class <class...>', 'only these RSIT classes or types')
    .option('--country <code...>', 'only networks of these countries')
    .option('--asn <number...>', 'only these AS numbers')
    .option('--network <cidr>', 'only what lies in it')
    .option('--domain <domain>', 'only it and what is under it')
    .option('--originator <organisation...>', 'only of these')
    .option('--min-confidence <number>', 'only from it up')
    .action(async (url: string, { name, ownSystem, batch, from, cursor, ...options }: CreateOptions) => {
      const body = {
        name,
        url,
        ownSystem: ownSystem === true,
        ...start({ batch, from, cursor }),
        filter: filterOf(options),
      }
      const made = await call<SubscriptionWithSecret>(targetOf(shell, options), place(), { method: 'POST', body })
      if (options.json === true) return shell.print(JSON.stringify(made))
      shell.say(`webhook ${made.id}; keep its secret, it is shown this once:`)
      shell.print(made.secret)
    })
}

function addAmend(webhook: Command, shell: Shell): void {
  asClient(placed(webhook.command('amend <id>').description('change, pause or resume one')))
    .option('--name <name>', 'a new name')
    .option('--endpoint <url>', 'a new URL')
    .addOption(new Option('--pause', 'send nothing until it is resumed').conflicts('resume'))
    .option('--resume', 'go on, under the rights of this key')
    .action(async (id: string, { name, endpoint, pause, resume, batch, from, cursor, ...options }: AmendOptions) => {
      const paused = pause === true ? true : resume === true ? false : undefined
      const body = { name, url: endpoint, paused, ...start({ batch, from, cursor }) }
      printThing(
        shell,
        options.json,
        await call<Subscription>(targetOf(shell, options), place(id), { method: 'PATCH', body }),
      )
    })
}

const placed = (command: Command): Command =>
  command
    .option('--batch <number>', 'changes in one delivery, at most')
    .addOption(new Option('--from <place>', 'where in the feed it begins').choices(['beginning', 'now']))
    .option('--cursor <cursor>', 'begin behind a delivery')

type Start = { readonly [K in 'batch' | 'from' | 'cursor']: string | undefined }

const start = ({ batch, from, cursor }: Start) => ({
  ...(batch === undefined ? {} : { batch: Number(batch) }),
  from,
  cursor,
})

function filterOf(options: Omit<CreateOptions, 'name'>): object {
  const { type, tlp, class: classes, country, asn, network, domain, originator, minConfidence } = options
  return {
    ...{ type, tlp, class: classes, country, network, domain, originator },
    asn: asn?.map(Number),
    minConfidence: minConfidence === undefined ? undefined : Number(minConfidence),
  }
}
