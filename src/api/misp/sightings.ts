import type { FastifyRequest } from 'fastify'
import { actions, type Context } from '../../actions/index.ts'
import { Fault } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import { detectType } from '../../domain/observables/detect.ts'
import type { Released } from '../../domain/released.ts'
import type { SightingInput, SightingType } from '../../domain/sighting.ts'
import { derivedUuid, numberOf } from '../../formats/misp-ids.ts'
import { mispOrganisation } from '../../formats/misp-out.ts'
import { attributeNamed } from './attributes.ts'
import { unwrapped } from './events.ts'
import type { Handler } from './handler.ts'

/** MISP's types of sightings. */
const sightingTypes: ReadonlyMap<unknown, SightingType> = new Map<unknown, SightingType>([
  ['0', 'seen'],
  ['1', 'false-positive'],
  ['2', 'expired'],
])

/** `POST /misp/sightings/add` and `/misp/sightings/add/{id}`: of an attribute, or of every visible indicator of a value. */
export const mispSight: Handler = async (context, request) => {
  const body = unwrapped(request.body ?? {}, 'Sighting')
  const { id: inPath } = request.params as { readonly id?: string }
  const name = inPath ?? textIn(body, 'uuid') ?? textIn(body, 'id')
  const said = typeof body.type === 'number' ? String(body.type) : (body.type ?? '0')
  const type = sightingTypes.get(said)
  if (type === undefined)
    throw new Fault('invalid_request', 'The type of a sighting is 0 (seen), 1 (false positive) or 2 (expired).')
  const sighting: SightingInput = { type, ...timeOf(body) }
  const about: Released[] = []
  if (name !== undefined) about.push((await attributeNamed(context, request, name)).indicator)
  else
    for (const value of valuesOf(body))
      about.push(...(await actions.search(context, request.caller, { filter: { value } })).items)
  // Before any is written: a hundred values can be in ten thousand indicators, and each is a transaction.
  if (about.length > limits.pageRecords)
    throw new Fault('too_many_values', `These values are in more than ${limits.pageRecords} indicators: say fewer.`)
  if (about.length === 0) throw new Fault('not_found', 'There is no such thing here.')
  await sightAll(context, request, about, sighting)
  const [first] = about
  const { organisation } = await actions.whoami(context, request.caller, undefined)
  const home = mispOrganisation({ originator: organisation })
  const uuid = derivedUuid(`sighting|${organisation.id}|${first?.id}|${type}`)
  const attribute = numberOf(first?.id.slice('indicator--'.length) ?? '')
  return {
    Sighting: {
      id: numberOf(uuid),
      uuid,
      attribute_id: attribute,
      org_id: home.id,
      type: said,
      date_sighting: String(Math.floor(context.clock().getTime() / 1000)),
      source: '',
      Organisation: home,
    },
  }
}

/** Of several those count that can: an error that comes after some were counted would have all counted twice. */
async function sightAll(
  context: Context,
  { caller }: FastifyRequest,
  about: readonly Released[],
  sighting: SightingInput,
): Promise<void> {
  let [counted, refused] = [0, undefined as Fault | undefined]
  for (const { id, originator, alias } of about) {
    const source = originator !== undefined ? { originator: originator.id } : alias !== undefined ? { alias } : {}
    try {
      await actions.sight(context, caller, { id, sighting, ...source })
      counted++
    } catch (error) {
      if (!(error instanceof Fault) || (error.code !== 'too_many_values' && error.code !== 'not_found')) throw error
      refused = error
    }
  }
  if (counted === 0 && refused !== undefined) throw refused
}

function timeOf({ timestamp }: Record<string, unknown>): Partial<SightingInput> {
  if (timestamp === undefined || timestamp === null || timestamp === '') return {}
  const seconds = typeof timestamp === 'string' || typeof timestamp === 'number' ? Number(timestamp) : Number.NaN
  if (!Number.isFinite(seconds) || seconds < 0 || seconds > 253_402_300_799)
    throw new Fault('invalid_request', '"timestamp" is seconds since 1970.')
  const at = new Date(seconds * 1000).toISOString()
  return { firstSeen: at, lastSeen: at }
}

function textIn(body: Record<string, unknown>, name: string): string | undefined {
  const value = body[name]
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}

/** Values are looked up as they are; what is of no type is nobody's. */
function valuesOf({ value, values }: Record<string, unknown>): string[] {
  const all = [values ?? value ?? []].flat()
  if (all.length > 100) throw new Fault('too_many_values', 'At most 100 values at once.')
  return all.filter((each): each is string => typeof each === 'string' && detectType(each) !== undefined)
}
