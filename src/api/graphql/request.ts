import type { FastifyInstance } from 'fastify'
import { Fault } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import { isJsonObject, type JsonObject, parseStrict } from '../../formats/json-text.ts'

/** One request as GraphQL over HTTP has it. */
export interface GraphqlRequest {
  readonly query: string
  readonly variables: Record<string, unknown>
  readonly operationName?: string
}

/**
 * JSON alone is read: a form of another site can send anything else without being asked (CSRF). Repeated keys, NUL and depth are
 * refused, since handling is among the variables.
 */
export function readJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_request: unknown, body: Buffer) =>
    parseStrict(body),
  )
}

/** @throws {Fault} `invalid_request`, `query_too_costly` */
export function fromBody(body: unknown): GraphqlRequest {
  if (!isJsonObject(body)) throw invalid('', 'The body is one JSON object: {"query", "variables", "operationName"}.')
  return requestOf(body, body)
}

/**
 * `GET /graphql?query=…&variables=…&operationName=…&extensions=…`, variables and extensions as JSON text.
 * @throws {Fault} `invalid_request`, `query_too_costly`, and what the JSON may lack
 */
export function fromQueryString(query: unknown): GraphqlRequest {
  const given = isJsonObject(query) ? query : {}
  return requestOf(given, { variables: written(given.variables), extensions: written(given.extensions) })
}

const written = (json: unknown): unknown => (typeof json === 'string' && json !== '' ? parseStrict(json) : undefined)

function requestOf(
  { query, operationName }: JsonObject,
  { variables, extensions }: { readonly variables?: unknown; readonly extensions?: unknown },
): GraphqlRequest {
  if (typeof query !== 'string' || query === '') throw invalid('/query', 'There is no query.')
  if (query.length > limits.textCharacters) {
    throw new Fault('query_too_costly', `A document has at most ${limits.textCharacters} characters: use variables.`)
  }
  if (!isObjectOrAbsent(variables)) throw invalid('/variables', 'The variables are a JSON object.')
  // No extension is known here; the draft has them be an object.
  if (!isObjectOrAbsent(extensions)) throw invalid('/extensions', 'The extensions are a JSON object.')
  if (operationName !== undefined && operationName !== null && typeof operationName !== 'string') {
    throw invalid('/operationName', 'The name of an operation is a text.')
  }
  return { query, variables: { ...variables }, ...(operationName ? { operationName } : {}) }
}

const isObjectOrAbsent = (value: unknown): value is JsonObject | undefined | null =>
  value === undefined || value === null || isJsonObject(value)

const invalid = (pointer: string, sentence: string) => new Fault('invalid_request', sentence, { position: { pointer } })
