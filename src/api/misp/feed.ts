import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { actions } from '../../actions/index.ts'
import { Fault } from '../../domain/errors.ts'
import { feedEvent, feedHashes, manifestOf } from '../../formats/misp-feed.ts'
import { uuidOfNumber } from '../../formats/misp-ids.ts'
import { eventsOf } from '../misp-events.ts'
import { refuseCut } from './events.ts'
import type { Handler } from './handler.ts'

/** A MISP feed of what the caller may have: an index of its events, a file for each, and digests of their values. RED is in none. */
export const mispFeed: Handler = async (context, request, reply) => {
  const { file } = request.params as { readonly file: string }
  if (file === 'manifest.json') {
    const events = eventsOf(context, request.caller, {}, {}, true)
    const first = await events.next()
    return reply.header('content-type', 'application/json').send(Readable.from(manifestOf(first, events)))
  }
  if (file === 'hashes.csv') {
    const events = eventsOf(context, request.caller, {}, {}, true)
    const first = await events.next()
    const md5 = (value: string) => createHash('md5').update(value).digest('hex')
    return reply.header('content-type', 'text/csv').send(Readable.from(feedHashes(first, events, md5)))
  }
  const uuid = file.endsWith('.json') ? uuidOfNumber(file.slice(0, -'.json'.length)) : undefined
  const filter = { uuids: [uuid ?? '00000000-0000-0000-0000-000000000000'] }
  const { events } = await actions['search-events'](context, request.caller, { filter, limit: 1, leaves: true })
  const [event] = events
  if (event === undefined) throw new Fault('not_found', 'There is no such thing here.')
  refuseCut(event)
  return { Event: feedEvent(event) }
}
