import { type Command, Option } from 'commander'
import { type Account, type Role, roles } from '../../domain/account.ts'
import { type StixMarkings, stixMarkings } from '../../domain/stix-markings.ts'
import { call, path } from '../client.ts'
import { type Column, printRows, printThing } from '../output.ts'
import { asClient, type ClientOptions, type Shell, targetOf } from '../shell.ts'

const columns: readonly Column<Account>[] = [
  ['ID', ({ id }) => id],
  ['NAME', ({ name }) => name],
  ['ORGANISATION', ({ organisation }) => organisation],
  ['ROLES', ({ roles }) => roles.join(', ')],
  ['STIX MARKINGS', ({ stixMarkings }) => stixMarkings],
  ['STATE', ({ disabled }) => (disabled ? 'disabled' : 'active')],
]

interface AccountOptions extends ClientOptions {
  readonly organisation?: string
  readonly name?: string
  readonly role?: readonly Role[]
  readonly disable?: boolean
  readonly enable?: boolean
  readonly stixMarkings?: StixMarkings
}

/** `puente account`: the people and services of organisations. */
export function addAccount(program: Command, shell: Shell): void {
  const account = program.command('account').description('accounts of people and services (administrators)')

  asClient(account.command('list').description("your organisation's; all for the operator"))
    .option('--organisation <id>', 'only of this one')
    .action(async ({ organisation, ...options }: AccountOptions) => {
      const query = organisation === undefined ? '' : `?organisation=${encodeURIComponent(organisation)}`
      const { items } = await call<{ items: Account[] }>(targetOf(shell, options), `/v1/accounts${query}`)
      printRows(shell, options.json, items, columns)
    })

  asClient(account.command('create <id>').description('create one, such as ana.cert-br'))
    .requiredOption('--organisation <id>', 'whose it is')
    .requiredOption('--name <name>', 'of the person or service')
    .addOption(roleOption().makeOptionMandatory())
    .addOption(markingsOption())
    .action(async (id: string, { organisation, name, role, stixMarkings, ...options }: AccountOptions) => {
      const body = { id, organisation, name, roles: role, stixMarkings }
      printThing(shell, options.json, await call(targetOf(shell, options), '/v1/accounts', { method: 'POST', body }))
    })

  asClient(account.command('amend <id>').description('rename one, change its roles, disable or enable it'))
    .option('--name <name>', 'its new name')
    .addOption(roleOption())
    .addOption(markingsOption())
    .option('--disable', 'its keys stop working at once')
    .addOption(new Option('--enable', 'the contrary').conflicts('disable'))
    .action(async (id: string, { name, role, disable, enable, stixMarkings, ...options }: AccountOptions) => {
      const body = { name, roles: role, stixMarkings, ...(disable || enable ? { disabled: disable === true } : {}) }
      const target = targetOf(shell, options)
      printThing(shell, options.json, await call(target, path('v1', 'accounts', id), { method: 'PATCH', body }))
    })
}

const markingsOption = () =>
  new Option('--stix-markings <ids>', 'by which marking definitions it is told TLP in STIX').choices(stixMarkings)
const roleOption = () => new Option('--role <role...>', 'its roles, all of them').choices(roles)
