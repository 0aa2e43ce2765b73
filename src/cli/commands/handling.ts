import type { Command } from 'commander'
import type { HandlingProfile } from '../../actions/handling-profiles.ts'
import { call, path } from '../client.ts'
import { printRows, printThing } from '../output.ts'
import { asClient, type ClientOptions, type Shell, targetOf } from '../shell.ts'
import { addHandlingOptions, type HandlingOptions, handlingSaid } from './handling-options.ts'

/** `puente handling`: what an organisation says of handling again and again, under names. */
export function addHandling(program: Command, shell: Shell): void {
  const handling = program.command('handling').description('named handling of what your organisation publishes')

  asClient(handling.command('list').description("your organisation's")).action(async (options: ClientOptions) => {
    const target = targetOf(shell, options)
    const { items } = await call<{ items: HandlingProfile[] }>(target, '/v1/handling-profiles')
    printRows(shell, options.json, items, [
      ['NAME', ({ name }) => name],
      ['TLP', ({ tlp = '' }) => tlp],
      ['PAP', ({ pap = '' }) => pap],
      ['AUDIENCE', ({ audience = [] }) => audience.join(', ')],
      ['LAW ENFORCEMENT', ({ lawEnforcement = '' }) => lawEnforcement],
    ])
  })

  addHandlingOptions(asClient(handling.command('set <name>').description('keep one, in place of what was there')))
    .option('--personal-data', 'all of it is personal data')
    .action(async (name: string, options: ClientOptions & HandlingOptions & { personalData?: boolean }) => {
      const { audience, ...said } = handlingSaid(options)
      const body = { ...said, ...(audience.length === 0 ? {} : { audience }), personalData: options.personalData }
      const place = path('v1', 'handling-profiles', name)
      printThing(shell, options.json, await call(targetOf(shell, options), place, { method: 'PUT', body }))
    })

  asClient(handling.command('remove <name>').description('forget one; what was published under it stays')).action(
    async (name: string, options: ClientOptions) => {
      await call(targetOf(shell, options), path('v1', 'handling-profiles', name), { method: 'DELETE' })
      printThing(shell, options.json, { name, removed: true })
    },
  )
}
