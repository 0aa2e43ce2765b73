import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { BlocklistFilter } from '../../actions/blocklist-filter.ts'
import type { IssueListKeyInput } from '../../actions/blocklists.ts'
import { actions, type Context } from '../../actions/index.ts'
import { parseInstant } from '../../domain/enrolment.ts'
import type { Handler } from './handler.ts'
import { filterOf } from './indicators.ts'
import type { Query } from './query.ts'

const of = (request: FastifyRequest) => request.params as Readonly<Record<string, string>>

/** `GET /v1/blocklists/{file}`: a list of what the caller may block, as the consumer named by the extension reads it. */
async function readBlocklist(context: Context, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  const [name = '', extension = ''] = (of(request).file ?? '').split('.')
  const { version, format, text } = await actions['read-blocklist'](context, request.caller, {
    name,
    extension,
    filter: filterOf(request.query as Query),
    known: versionsIn(request.headers['if-none-match']),
    headOnly: request.method === 'HEAD',
    address: request.ip,
  })
  // Kept by whoever fetched it, and asked about before it is used again.
  reply.header('cache-control', 'private, no-cache')
  // Weak: two readings of one version may differ in what counts readings (the serial of a zone).
  reply.header('etag', `W/"${version}"`)
  if (text === undefined && request.method !== 'HEAD') return reply.status(304).send()
  reply.header('content-type', format.mediaType)
  // Of an empty stream no length is said: it would be taken for the list's.
  return reply.send(Readable.from(text ?? [], { objectMode: false }))
}

/** Entity tags of `If-None-Match` (RFC 9110 §13.1.2), compared weakly. */
const versionsIn = (header: string | undefined): string[] =>
  (header ?? '').split(',').flatMap((each) => /^\s*(?:W\/)?"([0-9a-f]{32})"\s*$/.exec(each)?.[1] ?? [])

export const blocklists = {
  readBlocklist,
  listBlocklists: async (context, request) => ({
    items: await actions['list-blocklists'](context, request.caller, undefined),
  }),
  createBlocklist: async (context, request, reply) => {
    const { name, filter = {} } = request.body as { name: string; filter?: BlocklistFilter }
    const created = await actions['create-blocklist'](context, request.caller, { name, filter: withInstants(filter) })
    return reply.status(201).send(created)
  },
  removeBlocklist: async (context, request, reply) => {
    await actions['remove-blocklist'](context, request.caller, { id: of(request).list ?? '' })
    return reply.status(204).send()
  },
  issueListKey: async (context, request, reply) => {
    const input = (request.body ?? {}) as Omit<IssueListKeyInput, 'id'>
    const issued = await actions['issue-list-key'](context, request.caller, { ...input, id: of(request).list ?? '' })
    return reply.status(201).send(issued)
  },
  revokeListKey: async (context, request, reply) => {
    await actions['revoke-list-key'](context, request.caller, { id: of(request).key ?? '' })
    return reply.status(204).send()
  },
  listWarninglists: async (context, request) => ({
    items: await actions['list-warninglists'](context, request.caller, undefined),
  }),
  checkWarninglists: async (context, request) => {
    const { values } = request.body as { values: { value: string; type?: string }[] }
    const found = await actions['check-warninglists'](context, request.caller, { values })
    return { results: values.map((value, n) => ({ ...value, warnings: found[n] ?? [] })) }
  },
} as const satisfies Record<string, Handler>

const withInstants = (filter: BlocklistFilter): BlocklistFilter => ({
  ...filter,
  ...(filter.since === undefined ? {} : { since: parseInstant(filter.since, '/filter/since') }),
  ...(filter.until === undefined ? {} : { until: parseInstant(filter.until, '/filter/until') }),
})
