import type { FastifyReply } from 'fastify'
import { type CollectionAnswer, isoOfMicros } from '../../actions/index.ts'
import type { Fault } from '../../domain/errors.ts'
import type { StixMarkings } from '../../domain/stix-markings.ts'
import { markedFor } from '../../formats/tlp-objects.ts'
import { challenge } from '../problem.ts'
import { stixType } from './media-type.ts'

/** Sends a resource; its media type is set last of all, by the hook of these doors. */
export const sendTaxii = (reply: FastifyReply, resource: object | string, status = 200): FastifyReply =>
  reply
    .status(status)
    .header('content-type', 'application/json')
    .send(typeof resource === 'string' ? resource : JSON.stringify(resource))

/** TAXII 2.1 §3.6.1. The code is that of every door. */
export function sendTaxiiError(reply: FastifyReply, fault: Fault): FastifyReply {
  const { retryAfterSeconds, rule, position } = fault.detail
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds))
  if (fault.kind === 'unauthenticated') reply.header('www-authenticate', challenge)
  reply.header('cache-control', 'private, no-store')
  const error = {
    title: fault.code.replaceAll('_', ' '),
    description: fault.message,
    error_code: fault.code,
    http_status: String(fault.status),
    ...(rule === undefined && position === undefined ? {} : { details: { rule, position } }),
  }
  return sendTaxii(reply, error, fault.status)
}

/** A page as an envelope (§3.7): texts of objects are put together as they are. Lists without items are left out. */
export function sendEnvelope(
  reply: FastifyReply,
  { items, more, next }: CollectionAnswer,
  markings: StixMarkings | undefined,
): FastifyReply {
  const members = [...moreOf(more, next)]
  if (items.length > 0) members.push(`"objects":[${items.map(({ stix }) => markedFor(stix, markings)).join(',')}]`)
  return sendTaxii(dates(reply, items), `{${members.join(',')}}`)
}

/** §5.3.1 */
export function sendManifest(reply: FastifyReply, { items, more, next }: CollectionAnswer): FastifyReply {
  const members = [...moreOf(more, next)]
  if (items.length > 0) {
    const records = items.map(({ id, version, added }) => ({
      id,
      date_added: isoOfMicros(added),
      version,
      media_type: stixType,
    }))
    members.push(`"objects":${JSON.stringify(records)}`)
  }
  return sendTaxii(dates(reply, items), `{${members.join(',')}}`)
}

/** §5.8.1 */
export function sendVersions(reply: FastifyReply, { items, more, next }: CollectionAnswer): FastifyReply {
  const members = [...moreOf(more, next)]
  if (items.length > 0) members.push(`"versions":${JSON.stringify(items.map(({ version }) => version))}`)
  return sendTaxii(dates(reply, items), `{${members.join(',')}}`)
}

const moreOf = (more: boolean, next: string | undefined): string[] => [
  ...(more ? ['"more":true'] : []),
  ...(next === undefined ? [] : [`"next":"${next}"`]),
]

/** When the first and the last object of the page were added (§3.5). */
function dates(reply: FastifyReply, items: CollectionAnswer['items']): FastifyReply {
  const [first, last] = [items[0], items.at(-1)]
  if (first === undefined || last === undefined) return reply
  return reply
    .header('x-taxii-date-added-first', isoOfMicros(first.added))
    .header('x-taxii-date-added-last', isoOfMicros(last.added))
}
