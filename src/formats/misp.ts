import type { Decoded } from '../domain/draft.ts'
import { Fault, type Position } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { KeptOf } from '../domain/misp-event.ts'
import type { ByteSource } from '../domain/source.ts'
import { type DecodedGroups, decodedAs, faultAt, oneByOne, recordTooLarge } from './decoded.ts'
import { Fields } from './fields.ts'
import { type JsonPart, type JsonPath, jsonParts } from './json-parts.ts'
import { isJsonObject, parseObject, parseStrict, utf8Text } from './json-text.ts'
import { attributeResult } from './misp-attribute.ts'
import { type MispContext, mispContext } from './misp-handling.ts'
import { keptEvent } from './misp-kept.ts'
import { objectDrafts } from './misp-object.ts'

/** `{"Event": …}`, `{"response": [{"Event": …}]}`, `{"response": {"Event": …}}` and a plain array of events. */
const events: readonly JsonPath[] = [['Event'], ['response', '[]', 'Event'], ['response', 'Event'], ['[]', 'Event']]
/** Lists of an event that may be long and say nothing that is read here: cut out, so that the rest stays small. */
const ignored = ['Galaxy', 'RelatedEvent', 'ShadowAttribute', 'EventReport', 'CryptographicKey']

const eventPaths = new Set<JsonPath>(events)
const attributePaths = new Set<JsonPath>(events.map((event) => [...event, 'Attribute', '[]']))
const objectPaths = new Set<JsonPath>(events.map((event) => [...event, 'Object', '[]']))
const readPaths = new Set([...eventPaths, ...attributePaths, ...objectPaths])
const ignoredPaths = events.flatMap((event) => ignored.map((name) => [...event, name, '[]']))
const paths = [...readPaths, ...ignoredPaths]

/**
 * The attributes of MISP events, each as a draft or a fault; the values of a file object are one draft. The source is
 * opened twice and read side by side: what an event says about itself (tags, distribution) can stand behind its
 * attributes, and the second reading waits at each event for the first.
 */
export async function* misp(source: ByteSource): DecodedGroups {
  const contexts = eventContexts(source)
  let event: EventContext | undefined
  let record = 0
  let group: Decoded[] = []
  try {
    for await (const parts of jsonParts(source, paths)) {
      for (const part of parts) {
        if (part.path.length === 0) checkRoot(part)
        if (!readPaths.has(part.path)) continue
        event ??= await nextContext(contexts)
        for (const result of read(part, event, record)) {
          group.push(result)
          if (!('kept' in result) || result.kept.kind === 'context') record++
        }
        if (eventPaths.has(part.path)) event = undefined
      }
      yield group
      group = []
    }
  } catch (error) {
    yield [...group, { fault: faultAt({ record }, error) }]
  } finally {
    await contexts.return(undefined)
  }
}

export const decodeMisp = (source: ByteSource): AsyncIterable<Decoded> => oneByOne(misp(source))

/** What an event says about all that is in it, or why it cannot be read. */
interface EventContext {
  readonly pointer: string
  readonly context?: MispContext
  readonly name?: string
  /** The event as it is kept. */
  readonly kept?: KeptOf<'event'>
  /** Why it is not, when what is in it is not to blame. */
  readonly notKept?: Fault
  readonly fault?: Fault
}

async function* eventContexts(source: ByteSource): AsyncGenerator<EventContext, undefined> {
  for await (const parts of jsonParts(source, paths)) {
    for (const part of parts) if (eventPaths.has(part.path)) yield contextOf(part)
  }
}

async function nextContext(contexts: AsyncGenerator<EventContext, undefined>): Promise<EventContext> {
  const { value } = await contexts.next()
  if (value === undefined) throw new Fault('invalid_misp', 'The event is not complete')
  return value
}

function contextOf({ pointer, bytes }: JsonPart): EventContext {
  try {
    if (bytes === undefined) throw new Fault('record_too_large', 'The event itself, without its lists, is too large')
    const fields = new Fields(parseObject(bytes, 'invalid_misp', pointer), pointer, 'invalid_misp')
    const name = fields.text('info')
    return { pointer, context: mispContext(fields), ...(name ? { name } : {}), ...keptOf(fields, pointer) }
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault
    return { pointer, fault }
  }
}

function keptOf(fields: Fields, pointer: string): Pick<EventContext, 'kept' | 'notKept'> {
  try {
    const kept = keptEvent(fields, { pointer })
    return kept === undefined ? {} : { kept }
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault
    return { notKept: fault }
  }
}

/** The drafts and faults of an attribute or object; of the event itself, which ends after them, the fault it may have. */
function* read(part: JsonPart, event: EventContext, record: number): Generator<Decoded> {
  const { bytes, pointer } = part
  const position: Position = { record, pointer }
  const { context, fault, kept, notKept } = event
  const origin = {
    position,
    pointer,
    ...(event.name ? { name: event.name } : {}),
    ...(kept === undefined ? {} : { event: kept.uuid }),
  }
  if (eventPaths.has(part.path)) {
    const wrong = fault ?? notKept
    if (wrong !== undefined) yield { fault: wrong.asRecordFault(position) }
    else if (kept !== undefined) yield { kept: { ...kept, position } }
  } else if (bytes === undefined) yield recordTooLarge(position)
  else if (fault !== undefined || context === undefined) {
    yield { fault: { position, code: fault?.code ?? 'invalid_misp', message: `Its event: ${fault?.message}` } }
  } else if (objectPaths.has(part.path)) {
    yield* objectDrafts(bytes, { ...origin, context })
  } else {
    yield decodedAs(position, () => {
      const received = utf8Text(bytes)
      return attributeResult(parseObject(received, 'invalid_misp', pointer), { ...origin, received, context })
    })
  }
}

/** What remains when the events are cut out must still be a document of events. */
function checkRoot({ bytes }: JsonPart): void {
  if (bytes === undefined) {
    throw new Fault('record_too_large', `The document around its events may have ${limits.recordBytes} bytes`)
  }
  const root = parseStrict(bytes)
  const isEvents = Array.isArray(root) || (isJsonObject(root) && ('Event' in root || 'response' in root))
  if (!isEvents) throw new Fault('invalid_misp', 'A MISP document has "Event" or "response"')
}
