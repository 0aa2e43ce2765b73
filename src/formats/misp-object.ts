import type { Decoded } from '../domain/draft.ts'
import type { Position } from '../domain/errors.ts'
import type { Observable } from '../domain/observables/observable.ts'
import { mainFirst } from './compound.ts'
import { decodedAs, faultAt, recordTooLarge } from './decoded.ts'
import { Fields } from './fields.ts'
import { type JsonPart, type JsonPath, jsonPartsOf } from './json-parts.ts'
import { parseObject, utf8Text } from './json-text.ts'
import {
  attributeObservables,
  attributeResult,
  draftOf,
  isContextAttribute,
  type MispOrigin,
} from './misp-attribute.ts'
import { mispContext, within } from './misp-handling.ts'
import { keptContext, keptObject, partOf } from './misp-kept.ts'
import { isTrue } from './misp-values.ts'

const attributePath: JsonPath = ['Attribute', '[]']

/**
 * The attributes of one MISP object, each as a draft or a fault. The name and hashes of a file object are one draft with
 * the object's id: apart, they would be five indicators of one file. `origin.position.record` is the first record's.
 */
export function* objectDrafts(bytes: Buffer, origin: Omit<MispOrigin, 'received'>): Generator<Decoded> {
  let record = origin.position.record ?? 0
  try {
    const received = utf8Text(bytes)
    const object = parseObject(received, 'invalid_misp', origin.pointer)
    const parts = jsonPartsOf(bytes, [attributePath]).filter((part) => part.path === attributePath)
    const fields = new Fields(object, origin.pointer, 'invalid_misp')
    const context = within(origin.context, mispContext(fields))
    const frame = frameOf(fields, { ...origin, context })
    if (frame !== undefined) yield frame
    const inside = {
      ...origin,
      context,
      ...(frame !== undefined && 'kept' in frame ? { object: frame.kept.uuid } : {}),
    }
    const attributes = parts.map((part) => ({ ...part, pointer: `${origin.pointer}${part.pointer}` }))
    if (object.name === 'file') {
      for (const result of fileDrafts(fields, attributes, { ...inside, received })) {
        yield result(record++)
      }
      return
    }
    for (const attribute of attributes) yield attributeOf(attribute, inside, record++)
  } catch (error) {
    yield { fault: faultAt({ ...origin.position, record }, error) }
  }
}

/** The object itself; one that cannot be kept is no reason to refuse its attributes. */
function frameOf(fields: Fields, origin: Omit<MispOrigin, 'received'>) {
  try {
    const kept = keptObject(fields, origin)
    return kept === undefined ? undefined : { kept }
  } catch (error) {
    return { fault: faultAt(origin.position, error) }
  }
}

function attributeOf({ bytes, pointer }: JsonPart, origin: Omit<MispOrigin, 'received'>, record: number): Decoded {
  const position: Position = { record, pointer }
  if (bytes === undefined) return recordTooLarge(position)
  return decodedAs(position, () => {
    const received = utf8Text(bytes)
    return attributeResult(parseObject(received, 'invalid_misp', pointer), { ...origin, position, pointer, received })
  })
}

/** The file itself from all attributes that are observables, and a fault for each that is not. */
function* fileDrafts(
  fields: Fields,
  attributes: readonly JsonPart[],
  origin: MispOrigin,
): Generator<(record: number) => Decoded> {
  const observables: Observable[] = []
  const named: { readonly attribute: Fields; readonly pointer: string; readonly own: readonly Observable[] }[] = []
  let context = origin.context
  for (const { bytes, pointer } of attributes) {
    try {
      const attribute = new Fields(
        parseObject(bytes ?? Buffer.alloc(0), 'invalid_misp', pointer),
        pointer,
        'invalid_misp',
      )
      const kept = isContextAttribute(attribute) ? keptContext(attribute, { ...origin, pointer }) : undefined
      if (kept !== undefined) {
        yield () => ({ kept })
        continue
      }
      const own = attributeObservables(attribute)
      // A deleted attribute is no longer a part of the file.
      if (isTrue(attribute.object.deleted)) continue
      context = within(context, mispContext(attribute))
      observables.push(...own)
      named.push({ attribute, pointer, own })
    } catch (error) {
      yield (record) => ({ fault: faultAt({ record, pointer }, error) })
    }
  }
  if (observables.length === 0) return
  yield (record) => {
    const position = { record, pointer: origin.pointer }
    return decodedAs(position, () => {
      const all = mainFirst(observables)
      const parts = named.flatMap(
        ({ attribute, pointer, own }) => partOf(attribute, { ...origin, pointer }, own, all) ?? [],
      )
      return { draft: draftOf(fields, all, { ...origin, position, context }, parts) }
    })
  }
}
