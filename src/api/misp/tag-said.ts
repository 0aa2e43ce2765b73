import type { FastifyRequest } from 'fastify'
import { Fault } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import { isJsonObject } from '../../formats/json-text.ts'
import { knownTags } from './server.ts'

/** What is to be tagged, as the client names it, and the tag. */
export interface TagSaid {
  readonly name: string
  readonly tag: string
}

/**
 * In the path, as `events/addTag/{id}/{tag}`, or in the body: `{uuid, tag}` as PyMISP has it, `{event, tag}`, `{attribute, tag}`, or what
 * old clients wrap: `{request: {Event: {id, tag}}}`. A tag that is a number is one of those that this node lists.
 * @throws {Fault} `invalid_request`, `not_found`
 */
export function tagSaid({ params, body }: FastifyRequest): TagSaid {
  const path = params as { readonly id?: string; readonly tag?: string; readonly option?: string }
  const said: Said = path.tag === undefined ? saidIn(body) : { uuid: path.id, tag: path.tag, local: localIn(path) }
  const { uuid, id, event, attribute, tag, local } = said
  const name = [uuid, event, attribute, id].find((each) => typeof each === 'string' || typeof each === 'number')
  const text = typeof tag === 'number' ? String(tag) : tag
  if (name === undefined || typeof text !== 'string' || text.trim() === '' || text.length > limits.labelCharacters)
    throw new Fault(
      'invalid_request',
      `A thing is named by "uuid", and a "tag" has 1 to ${limits.labelCharacters} characters.`,
    )
  if (local === true || local === 1 || local === '1')
    throw new Fault('invalid_request', 'Tags that only this node shows are not known here.')
  return { name: String(name), tag: tagNamed(text.trim()) }
}

type Said = { readonly [Member in 'uuid' | 'id' | 'event' | 'attribute' | 'tag' | 'local']?: unknown }

function saidIn(body: unknown): Said {
  const outer = isJsonObject(body) && isJsonObject(body.request) ? body.request : body
  const wrapped = isJsonObject(outer) ? (outer.Event ?? outer.Attribute ?? outer) : outer
  return isJsonObject(wrapped) ? wrapped : {}
}

/** `local:0` behind the tag. @throws {Fault} `not_found` */
function localIn({ option = 'local:0' }: { readonly option?: string }): string {
  if (/^local:[01]$/.test(option)) return option.slice(-1)
  throw new Fault('not_found', 'There is no such thing here.')
}

function tagNamed(text: string): string {
  if (!/^[0-9]+$/.test(text)) return text
  const known = knownTags.find(({ id }) => id === text)
  if (known === undefined) throw new Fault('not_found', 'Invalid Tag')
  return known.name
}
