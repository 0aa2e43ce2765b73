import { type Command, Option } from 'commander'
import { type Agreement, purposes } from '../../domain/agreement.ts'
import { tlps } from '../../domain/tlp.ts'
import { call, path } from '../client.ts'
import { printRows, printThing } from '../output.ts'
import { asClient, type ClientOptions, collect, type Shell, targetOf } from '../shell.ts'

interface AddOptions extends ClientOptions {
  readonly name: string
  readonly party: readonly string[]
  readonly maxTlp: string
  readonly purpose: readonly string[]
  readonly personalData?: boolean
  readonly from: string
  readonly to?: string
  readonly citation: string
  readonly example?: boolean
}

/** `puente agreement`: what lets jurisdictions share. Entered and ended, never edited. */
export function addAgreement(program: Command, shell: Shell): void {
  const agreement = program.command('agreement').description('agreements between jurisdictions')

  asClient(agreement.command('list').description('all of them, ended ones too')).action(
    async (options: ClientOptions) => {
      const { items } = await call<{ items: Agreement[] }>(targetOf(shell, options), '/v1/agreements')
      printRows(shell, options.json, items, [
        ['ID', ({ id }) => id],
        ['PARTIES', ({ parties }) => parties.join(' ')],
        ['UP TO', ({ maxTlp }) => maxTlp],
        ['PURPOSES', ({ purposes }) => purposes.join(', ')],
        ['PERSONAL DATA', ({ personalData }) => (personalData ? 'yes' : 'no')],
        ['FROM', ({ validFrom }) => validFrom.slice(0, 10)],
        ['TO', ({ validTo }) => validTo?.slice(0, 10)],
        ['NAME', ({ name }) => name],
      ])
    },
  )

  asClient(agreement.command('add <id>').description("enter one (operator's policy officers)"))
    .requiredOption('--name <name>', 'as people cite it')
    .requiredOption('--party <code>', 'a jurisdiction, ISO 3166-1 alpha-2; repeat, two at least', collect)
    .addOption(new Option('--max-tlp <tlp>', 'the strictest label it covers').choices(tlps).makeOptionMandatory())
    .addOption(new Option('--purpose <purpose...>', 'what for').choices(purposes).makeOptionMandatory())
    .option('--personal-data', 'it covers personal data')
    .requiredOption('--from <time>', 'in force from this instant (ISO 8601)')
    .option('--to <time>', 'no longer in force from this instant on')
    .requiredOption('--citation <text>', 'where it can be read')
    .option('--example', 'it is invented: no claim about any state')
    .action(async (id: string, options: AddOptions) => {
      const { name, citation, maxTlp, personalData = false, example = false } = options
      const body = {
        ...{ id, name, citation, maxTlp, personalData, example },
        ...{ parties: options.party, purposes: options.purpose, validFrom: instant(options.from) },
        ...(options.to === undefined ? {} : { validTo: instant(options.to) }),
      }
      printThing(shell, options.json, await call(targetOf(shell, options), '/v1/agreements', { method: 'POST', body }))
    })

  asClient(agreement.command('end <id>').description('end one, now or later; nothing else of it ever changes'))
    .option('--at <time>', 'ISO 8601; now when absent')
    .action(async (id: string, { at, ...options }: ClientOptions & { readonly at?: string }) => {
      const request = { method: 'POST', body: at === undefined ? {} : { at: instant(at) } } as const
      printThing(
        shell,
        options.json,
        await call(targetOf(shell, options), path('v1', 'agreements', id, 'end'), request),
      )
    })
}

/** A day means its first instant in UTC; the node judges everything else. */
const instant = (text: string): string => (/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text)
