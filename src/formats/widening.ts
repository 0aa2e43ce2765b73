import { Fault } from '../domain/errors.ts'
import { lawEnforcementUses } from '../domain/handling.ts'
import { parseJurisdiction } from '../domain/jurisdiction.ts'
import { limits } from '../domain/limits.ts'
import { parseTlp } from '../domain/tlp.ts'
import type { Wanted } from '../domain/widening.ts'
import { defined, Fields } from './fields.ts'
import type { JsonObject } from './json-text.ts'

const audienceItem = /^(community:)?[a-z0-9][a-z0-9-]{0,62}$/

/** What is asked for, in its one spelling: lists are sorted, and hold nothing twice. @throws {Fault} `invalid_handling` */
export function readWanted(object: JsonObject, pointer = '/wanted'): Wanted {
  const fields = new Fields(object, pointer, 'invalid_handling')
  const tlp = fields.text('tlp')
  const audience = fields.texts('audience', limits.audienceItems, 128)
  for (const item of audience ?? [])
    if (!audienceItem.test(item)) throw fields.fault('audience', 'An audience names organisations, or community:<id>.')
  const jurisdictions = fields
    .texts('releasableTo', limits.audienceItems)
    ?.map((item) => fields.parsed('releasableTo', () => parseJurisdiction(item), 'invalid_handling'))
  const wanted = defined<Wanted>({
    tlp: tlp === undefined ? undefined : fields.parsed('tlp', () => parseTlp(tlp)),
    audience: listed(audience),
    releasableTo: listed(jurisdictions),
    lawEnforcement: fields.oneOf('lawEnforcement', lawEnforcementUses),
  })
  if (wanted.tlp === 'red') throw fields.fault('tlp', 'Nothing is wider by TLP:RED.')
  if (wanted.lawEnforcement === 'never') throw fields.fault('lawEnforcement', 'Nothing is wider by never.')
  if (Object.keys(wanted).length === 0)
    throw new Fault('invalid_handling', 'Say what is asked for: tlp, audience, releasableTo or lawEnforcement.', {
      position: { pointer },
    })
  return wanted
}

/** An empty list asks for nothing. */
const listed = (items: readonly string[] | undefined): readonly string[] | undefined =>
  items === undefined || items.length === 0 ? undefined : [...new Set(items)].sort()
