import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import { getDistDirectory, renderAltair, renderInitialOptions } from 'altair-static'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { Fault } from '../../domain/errors.ts'

const base = '/graphiql/'
const optionsFile = 'initial_options.js'

const firstQuery = `# Without credentials you see what is public. For more, set the header
# Authorization: Bearer <your API key>
{
  indicators(first: 10) {
    edges { node { type value class network { asn country } originator { name } handling { tlp } } }
    pageInfo { hasNextPage endCursor }
  }
}
`

/** Where the page is and what it asks. Its cloud accounts are left out: a credential typed here goes to this node alone. */
const options = {
  baseURL: base,
  endpointURL: '/graphql',
  serveInitialOptionsInSeperateRequest: optionsFile,
  disableAccount: true,
  persistedSettings: { 'banners.disable': true },
  initialQuery: firstQuery,
}

/** Nothing is loaded from, or sent to, any other origin, whatever the page would like. Angular writes its styles inline. */
const policy = [
  "default-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "frame-src 'none'",
  "object-src 'none'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** A page to explore the contract and try queries (Altair), at `/graphiql`: everything on it is served from here. */
export async function registerPage(app: FastifyInstance): Promise<void> {
  const config = { action: 'describe', open: true } as const
  const page = renderAltair(options)
  const initialOptions = renderInitialOptions(options)
  const files = filesIn(getDistDirectory())
  app.get('/graphiql', { config }, (_request, reply) => send(reply, '.html', page))
  app.get('/graphiql/*', { config }, async (request, reply) => {
    const name = (request.params as { readonly '*': string })['*']
    if (name === '') return send(reply, '.html', page)
    if (name === optionsFile) return send(reply, '.js', initialOptions)
    // Only names that were there at start: no path is ever put together from a request.
    const file = files.get(name)
    if (file === undefined) throw new Fault('not_found', 'There is no such thing here.')
    return send(reply, extname(file), await readFile(file))
  })
}

const mediaTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
}

/** Files of the page by their path in it, without the frame in which it would run scripts, and those of types it does not need. */
function filesIn(folder: string): ReadonlyMap<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && mediaTypes[extname(entry.name)] !== undefined)
    .map((entry) => join(entry.parentPath, entry.name))
  const named = files.map((file) => [relative(folder, file).split(sep).join('/'), file] as const)
  return new Map(named.filter(([name]) => name !== 'index.html' && !name.startsWith('iframe-sandbox/')))
}

const send = (reply: FastifyReply, extension: string, content: string | Buffer): FastifyReply =>
  reply
    .header('content-security-policy', policy)
    .header('content-type', mediaTypes[extension])
    .header('cache-control', 'public, max-age=3600')
    .send(content)
