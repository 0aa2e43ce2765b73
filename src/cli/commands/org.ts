import { type Command, Option } from 'commander'
import {
  type ConstituencyEntry,
  type ConstituencyKind,
  constituencyKinds,
  type Organisation,
  organisationKinds,
} from '../../domain/organisation.ts'
import { call, path } from '../client.ts'
import { type Column, printRows, printThing } from '../output.ts'
import { asClient, type ClientOptions, collect, type Shell, targetOf } from '../shell.ts'

const columns: readonly Column<Organisation>[] = [
  ['ID', ({ id }) => id],
  ['NAME', ({ name }) => name],
  ['KIND', ({ kind }) => kind],
  ['JURISDICTION', ({ jurisdiction }) => jurisdiction],
  ['STATE', ({ disabled }) => (disabled ? 'disabled' : 'enrolled')],
]

/** `puente org`: who takes part in this node, and what each answers for. */
export function addOrg(program: Command, shell: Shell): void {
  const org = program.command('org').description('organisations enrolled at the node')

  asClient(org.command('list').description('all of them')).action(async (options: ClientOptions) => {
    const { items } = await call<{ items: Organisation[] }>(targetOf(shell, options), '/v1/organisations')
    printRows(shell, options.json, items, columns)
  })

  asClient(org.command('enrol <id>').description('enrol one (operator)'))
    .requiredOption('--name <name>', 'as people write it')
    .addOption(new Option('--kind <kind>', 'what it is').choices(organisationKinds).makeOptionMandatory())
    .requiredOption('--jurisdiction <code>', 'the law it is under: ISO 3166-1 alpha-2')
    .action(async (id: string, { name, kind, jurisdiction, ...options }: EnrolOptions) => {
      const request = { method: 'POST', body: { id, name, kind, jurisdiction } } as const
      printThing(shell, options.json, await call(targetOf(shell, options), '/v1/organisations', request))
    })

  asClient(org.command('amend <id>').description('rename, disable or enable one (operator)'))
    .option('--name <name>', 'its new name')
    .option('--disable', 'its accounts cannot sign in, and it reads nothing')
    .addOption(new Option('--enable', 'the contrary').conflicts('disable'))
    .action(async (id: string, { name, disable, enable, ...options }: AmendOptions) => {
      const body = { name, ...(disable || enable ? { disabled: disable === true } : {}) }
      const target = targetOf(shell, options)
      printThing(shell, options.json, await call(target, path('v1', 'organisations', id), { method: 'PATCH', body }))
    })

  addConstituency(org, shell)
}

interface EnrolOptions extends ClientOptions {
  readonly name: string
  readonly kind: string
  readonly jurisdiction: string
}

interface AmendOptions extends ClientOptions {
  readonly name?: string
  readonly disable?: boolean
  readonly enable?: boolean
}

type ConstituencyOptions = ClientOptions & { readonly [Kind in ConstituencyKind]?: readonly string[] } & {
  readonly clear?: boolean
}

function addConstituency(org: Command, shell: Shell): void {
  const command = asClient(org.command('constituency <id>'))
    .description('what one answers for; with options: set it, all of it at once (operator)')
    .option('--clear', 'answers for nothing')
  for (const kind of constituencyKinds) command.option(`--${kind} <${kind}>`, 'repeat for several', collect)
  command.action(async (id: string, options: ConstituencyOptions) => {
    const target = targetOf(shell, options)
    const place = path('v1', 'organisations', id, 'constituency')
    const entries = constituencyKinds.flatMap((kind) => (options[kind] ?? []).map((value) => ({ kind, value })))
    const sets = entries.length > 0 || options.clear === true
    const request = sets ? ({ method: 'PUT', body: { entries } } as const) : {}
    const now = await call<{ entries: ConstituencyEntry[] }>(target, place, request)
    printRows(shell, options.json, now.entries, [
      ['KIND', ({ kind }) => kind],
      ['VALUE', ({ value }) => value],
    ])
  })
}
