import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { FastifySchema } from 'fastify'
import { parse } from 'yaml'
import { type ActionName, actionNames } from '../../domain/action-names.ts'

/** A JSON schema or any other part of the contract. */
type Json = { readonly [key: string]: Json } | readonly Json[] | string | number | boolean | null
type Part = { readonly [key: string]: Json }

const doors = ['rest', 'misp', 'taxii'] as const
type Door = (typeof doors)[number]

/** One operation of `openapi.yaml`, as fastify wants it. */
export interface Operation {
  readonly operationId: string
  readonly action: ActionName
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** In fastify's spelling: `/v1/indicators/:id`. */
  readonly url: string
  readonly schema: FastifySchema
  /** Whose door it is: this one's, or that for clients of MISP or of TAXII. */
  readonly door: Door
  /** True when the body may be absent, which is as if it were `{}`. */
  readonly optionalBody: boolean
  /** True when no credentials are looked at. */
  readonly open: boolean
}

export interface Contract {
  /** The contract as it is served at /openapi.json. */
  readonly document: Part
  readonly operations: readonly Operation[]
}

const methods = { get: 'GET', post: 'POST', put: 'PUT', patch: 'PATCH', delete: 'DELETE' } as const

/**
 * Reads the contract: the routes, their actions, and the schemas with which requests are checked, so that what is promised and
 * what is enforced are one text. A file is read once a process, and its schemas are compiled once.
 * @throws when an operation names no id or no known action
 */
export function readContract(file: string): Contract {
  const known = contracts.get(file)
  if (known !== undefined) return known
  const contract = parseContract(file)
  contracts.set(file, contract)
  return contract
}

const contracts = new Map<string, Contract>()

function parseContract(file: string): Contract {
  const document = readDocument(file)
  const operations: Operation[] = []
  for (const [path, item] of Object.entries(part(document.paths))) {
    for (const [key, method] of Object.entries(methods)) {
      const operation = part(item)[key]
      if (operation !== undefined) operations.push(operationOf(document, path, method, part(item), part(operation)))
    }
  }
  return { document, operations }
}

/** The document, as the build left it in `dist/` if that is of this very text: to parse YAML takes half a second. */
function readDocument(file: string): Part {
  const text = readFileSync(file)
  const parsed = join(dirname(file), 'dist', 'openapi.json')
  if (existsSync(parsed)) {
    const { digest, document } = JSON.parse(readFileSync(parsed, 'utf8')) as ParsedContract
    if (digest === createHash('sha256').update(text).digest('hex')) return document
  }
  return parse(text.toString()) as Part
}

/** What `bin/build-contract.js` writes: the document, and the SHA-256 of its text in hexadecimal digits. */
interface ParsedContract {
  readonly digest: string
  readonly document: Part
}

function operationOf(
  document: Part,
  path: string,
  method: Operation['method'],
  item: Part,
  operation: Part,
): Operation {
  const { operationId } = operation
  const action = actionNames.find((name) => name === operation['x-action'])
  if (typeof operationId !== 'string' || action === undefined) {
    throw new Error(`${method} ${path} in openapi.yaml lacks an operationId or a known x-action`)
  }
  const parameters = [...list(item.parameters), ...list(operation.parameters)].map((each) =>
    part(resolve(document, each)),
  )
  const requestBody = part(resolve(document, operation.requestBody ?? {}))
  const body = part(part(requestBody.content)['application/json']).schema
  return {
    operationId,
    action,
    method,
    url: path.replaceAll('{', ':').replaceAll('}', ''),
    door: doors.find((door) => door === operation['x-door']) ?? 'rest',
    optionalBody: body !== undefined && requestBody.required !== true,
    open: list(operation.security ?? [null]).length === 0,
    schema: {
      ...placed(document, parameters, 'query', 'querystring'),
      ...placed(document, parameters, 'path', 'params'),
      // The streaming doors parse their bodies themselves.
      ...(body === undefined || ['publish', 'lookup', 'observe'].includes(operationId)
        ? {}
        : { body: inlined(document, body) }),
    },
  }
}

/** The parameters of one place as an object schema. Headers are read by name, since other headers come along. */
function placed(document: Part, parameters: readonly Part[], place: string, name: 'querystring' | 'params') {
  const here = parameters.filter((each) => each.in === place)
  const properties = Object.fromEntries(here.map((each) => [String(each.name), inlined(document, each.schema ?? {})]))
  const required = here.filter((each) => each.required === true).map((each) => String(each.name))
  return { [name]: { type: 'object', additionalProperties: false, properties, required } }
}

/** The schema with its references put in place: none of the request schemas is recursive. */
function inlined(document: Part, schema: Json): Json {
  if (Array.isArray(schema)) return schema.map((each: Json) => inlined(document, each))
  if (typeof schema !== 'object' || schema === null) return schema
  const target = resolve(document, schema)
  if (target !== schema) return inlined(document, target)
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, inlined(document, value)]))
}

function resolve(document: Part, value: Json): Json {
  const reference = part(value).$ref
  if (typeof reference !== 'string') return value
  let target: Json = document
  for (const step of reference.replace('#/', '').split('/')) target = part(target)[step] ?? null
  if (target === null) throw new Error(`openapi.yaml refers to ${reference}, which is not there`)
  return target
}

const part = (value: Json | undefined): Part =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Part) : {}
const list = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : [])
