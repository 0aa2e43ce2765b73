import { type Command, Option } from 'commander'
import { attributions, lawEnforcementUses } from '../../domain/handling.ts'
import { paps } from '../../domain/pap.ts'
import { tlps } from '../../domain/tlp.ts'
import { collect } from '../shell.ts'

/** Handling as options of a command say it. */
export interface HandlingOptions {
  readonly tlp?: string
  readonly pap?: string
  readonly audience?: readonly string[]
  readonly community?: readonly string[]
  readonly people?: readonly string[]
  readonly releasableTo?: readonly string[]
  readonly notReleasableTo?: readonly string[]
  readonly lawEnforcement?: string
  readonly attribution?: string
  readonly expiresAt?: string
}

export const addHandlingOptions = (command: Command): Command =>
  command
    .addOption(new Option('--tlp <tlp>', 'for what carries no label; the stricter of the two otherwise').choices(tlps))
    .addOption(new Option('--pap <pap>', 'likewise').choices(paps))
    .option('--audience <organisation>', 'whom TLP:AMBER is for; repeat for several', collect)
    .option('--community <id>', 'likewise, a community', collect)
    .option('--people <account>', 'whom TLP:RED is for; repeat for several', collect)
    .option('--releasable-to <code>', 'only these jurisdictions; repeat for several', collect)
    .option('--not-releasable-to <code>', 'not these jurisdictions', collect)
    .addOption(new Option('--law-enforcement <use>', 'whether police may have it').choices(lawEnforcementUses))
    .addOption(new Option('--attribution <how>', 'whether readers learn the source').choices(attributions))
    .option('--expires-at <time>', 'when its sharing ends (ISO 8601)')

/** The same under the names of the contract. */
export function handlingSaid(options: HandlingOptions) {
  const { audience = [], community = [], tlp, pap, people, releasableTo, notReleasableTo } = options
  const { lawEnforcement, attribution, expiresAt } = options
  return {
    ...{ tlp, pap, people, releasableTo, notReleasableTo, lawEnforcement, attribution, expiresAt },
    audience: [...audience, ...community.map((id) => `community:${id}`)],
  }
}
