import { type Command, Option } from 'commander'
import type { WideningPage } from '../../actions/widening.ts'
import { lawEnforcementUses } from '../../domain/handling.ts'
import { tlps } from '../../domain/tlp.ts'
import { type ShownWidening, wideningSides, wideningStates } from '../../domain/widening.ts'
import { call, path } from '../client.ts'
import { printRows, printThing } from '../output.ts'
import { asClient, type ClientOptions, collect, type Shell, targetOf } from '../shell.ts'

interface AskOptions extends ClientOptions {
  readonly tlp?: string
  readonly audience?: readonly string[]
  readonly releasableTo?: readonly string[]
  readonly lawEnforcement?: string
  readonly reason: string
  readonly originator?: string
}

const place = (...more: readonly string[]) => path('v1', 'widening-requests', ...more)

/** `puente widen`: asking an originator to let others have an indicator, and answering to that. */
export function addWiden(program: Command, shell: Shell): void {
  const widen = program.command('widen').description('ask originators to let others have their indicators, and answer')

  asClient(widen.command('ask <indicator>').description('ask the originator of an indicator (its id)'))
    .addOption(new Option('--tlp <label>', 'a wider label').choices(tlps.filter((each) => each !== 'red')))
    .option('--audience <who>', 'an organisation, or community:<id>; may be repeated', collect)
    .option('--releasable-to <state>', 'ISO 3166-1 alpha-2; may be repeated', collect)
    .addOption(
      new Option('--law-enforcement <use>', 'release to law enforcement').choices(
        lawEnforcementUses.filter((each) => each !== 'never'),
      ),
    )
    .option('--originator <organisation>', 'where several published under one id')
    .requiredOption('--reason <text>', 'why')
    .action(async (indicator: string, { reason, originator, ...options }: AskOptions) => {
      const { tlp, audience, releasableTo, lawEnforcement } = options
      const wanted = { tlp, audience, releasableTo, lawEnforcement }
      const query = originator === undefined ? '' : `?${new URLSearchParams({ originator })}`
      const to = `${path('v1', 'indicators', indicator, 'widening-requests')}${query}`
      const request = { method: 'POST', body: { wanted, reason } } as const
      printThing(shell, options.json, await call<ShownWidening>(targetOf(shell, options), to, request))
    })

  asClient(widen.command('list').description('what you asked and what your organisation is asked, the newest first'))
    .addOption(new Option('--side <side>', 'one of both').choices(wideningSides))
    .addOption(new Option('--state <state...>', 'in these states').choices(wideningStates))
    .action(async ({ side, state, ...options }: ClientOptions & { side?: string; state?: readonly string[] }) => {
      const query = new URLSearchParams({
        ...(side === undefined ? {} : { side }),
        ...(state === undefined ? {} : { state: state.join(',') }),
      })
      const { items, next } = await call<WideningPage>(targetOf(shell, options), `${place()}?${query}`)
      printRows(shell, options.json, items, [
        ['ID', ({ id }) => id],
        ['SIDE', ({ side }) => side],
        ['STATE', ({ state }) => state],
        ['INDICATOR', ({ indicator }) => indicator],
        ['ASKER', ({ asker }) => asker],
        ['WANTED', ({ wanted }) => JSON.stringify(wanted)],
      ])
      if (next !== undefined) shell.say(`there are older ones than ${next}`)
    })

  asClient(widen.command('show <id>').description('one, with its outcome')).action(
    async (id: string, options: ClientOptions) =>
      printThing(shell, options.json, await call<ShownWidening>(targetOf(shell, options), place(id))),
  )

  const answer = (word: string, does: string) => asClient(widen.command(`${word} <id>`).description(does))
  const tell = async (id: string, word: string, body: object, options: ClientOptions) => {
    const request = { method: 'POST', body } as const
    printThing(shell, options.json, await call<ShownWidening>(targetOf(shell, options), place(id, word), request))
  }
  answer('accept', 'widen the indicator as it was asked')
    .option('--note <text>', 'for who asked')
    .action(async (id: string, { note, ...options }: ClientOptions & { readonly note?: string }) =>
      tell(id, 'accept', note === undefined ? {} : { note }, options),
    )
  answer('refuse', 'refuse it')
    .requiredOption('--reason <text>', 'why')
    .action(async (id: string, { reason, ...options }: ClientOptions & { readonly reason: string }) =>
      tell(id, 'refuse', { reason }, options),
    )
  answer('withdraw', 'ask no more').action(async (id: string, options: ClientOptions) =>
    tell(id, 'withdraw', {}, options),
  )
}
