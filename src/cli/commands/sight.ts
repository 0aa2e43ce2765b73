import { type Command, Option } from 'commander'
import type { Sighted } from '../../actions/sight.ts'
import { integer } from '../../config-values.ts'
import { limits } from '../../domain/limits.ts'
import { sightingTypes } from '../../domain/sighting.ts'
import { tlps } from '../../domain/tlp.ts'
import { call, path } from '../client.ts'
import { printThing } from '../output.ts'
import { asClient, type ClientOptions, collect, type Shell, targetOf } from '../shell.ts'

interface Options extends ClientOptions {
  readonly type?: string
  readonly count?: string
  readonly firstSeen?: string
  readonly lastSeen?: string
  readonly originator?: string
  readonly tlp?: string
  readonly audience?: readonly string[]
  readonly anonymous?: boolean
}

/** `puente sight`: says that one's organisation saw an indicator, that it is a false positive, or that it is over. */
export function addSight(program: Command, shell: Shell): void {
  asClient(program.command('sight <indicator>'))
    .description('say that your organisation saw an indicator (its id), or that it is wrong or over')
    .addOption(new Option('--type <type>', 'what is said (default seen)').choices(sightingTypes))
    .option('--count <times>', 'how often (default 1)')
    .option('--first-seen <time>', 'as in 2026-06-01T12:00:00Z; now when absent')
    .option('--last-seen <time>', 'likewise')
    .option('--originator <organisation>', 'where several published under one id')
    .addOption(new Option('--tlp <label>', 'who may know that you say so, where it is to be fewer').choices(tlps))
    .option('--audience <who>', 'organisation, or community:<id>; repeat for several', collect)
    .option('--anonymous', 'readers see an alias instead of your organisation')
    .action(async (id: string, { url, key, json, originator, anonymous, count, ...said }: Options) => {
      const target = targetOf(shell, { ...(url === undefined ? {} : { url }), ...(key === undefined ? {} : { key }) })
      const where = originator === undefined ? '' : `?originator=${encodeURIComponent(originator)}`
      const body = {
        ...said,
        ...(count === undefined ? {} : { count: integer('--count', count, 1, 1, limits.sightingCount) }),
        ...(anonymous === true ? { attribution: 'anonymous' } : {}),
      }
      const request = { method: 'POST', body } as const
      printThing(
        shell,
        json,
        await call<Sighted>(target, `${path('v1', 'indicators', id, 'sightings')}${where}`, request),
      )
    })
}
