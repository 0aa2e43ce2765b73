import {
  type BareItem,
  type InnerList,
  type Item,
  parseDictionary,
  serializeInnerList,
  serializeItem,
} from 'structured-headers'

/** A request as it was sent or came. Names of fields are in lower case. */
export interface HttpRequest {
  readonly method: string
  /** The target URI, whole: scheme, authority, path and query as the sender wrote them. */
  readonly url: string
  readonly fields: Readonly<Record<string, string>>
}

/** A response, and the request that it answers. */
export interface HttpResponse {
  readonly status: number
  readonly fields: Readonly<Record<string, string>>
  readonly request: HttpRequest
}

/** One thing that a signature covers, with its parameters: `"@method"`, `"signature";req;key="puente"`. */
export const component = (name: string, parameters: readonly (readonly [string, BareItem])[] = []): Item => [
  name,
  new Map(parameters),
]

/** What a signature covers that cannot be read from the message. */
export class NotCovered extends Error {}

/**
 * The text that is signed (RFC 9421 §2.5), of the derived components and fields that are in use between nodes.
 * @throws {NotCovered}
 */
export function signatureBase(covered: InnerList, message: HttpRequest | HttpResponse): string {
  const [components] = covered
  const lines = components.map((one) => `${serializeItem(one)}: ${componentText(one, message)}`)
  return [...lines, `"@signature-params": ${serializeInnerList(covered)}`].join('\n')
}

function componentText([name, parameters]: Item, message: HttpRequest | HttpResponse): string {
  const about = parameters.get('req') === true ? ('request' in message ? message.request : undefined) : message
  if (about === undefined || typeof name !== 'string') throw new NotCovered('a request has no request')
  const unread = [...parameters.keys()].filter((key) => key !== 'req' && key !== 'key')
  if (unread.length > 0) throw new NotCovered(`the parameter ${unread[0]} is not in use`)
  if (!name.startsWith('@')) return fieldOf(name, parameters.get('key'), about)
  return 'method' in about ? derived(name, about) : status(name, about)
}

/** A field (§2.1), or one member of a field that is a dictionary (§2.1.2). */
function fieldOf(name: string, key: BareItem | undefined, { fields }: HttpRequest | HttpResponse): string {
  const value = fields[name]
  if (value === undefined) throw new NotCovered(`there is no field ${name}`)
  if (key === undefined) return value.trim()
  const member = typeof key === 'string' ? parseDictionary(value).get(key) : undefined
  if (member === undefined) throw new NotCovered(`the field ${name} has no such member`)
  return Array.isArray(member[0]) ? serializeInnerList(member as InnerList) : serializeItem(member as Item)
}

/** Derived components of a request (§2.2). */
function derived(name: string, { method, url }: HttpRequest): string {
  const { host, pathname, search, protocol } = new URL(url)
  switch (name) {
    case '@method':
      return method
    case '@target-uri':
      return url
    case '@authority':
      return host
    case '@scheme':
      return protocol.slice(0, -1)
    case '@path':
      return pathname
    case '@query':
      return search === '' ? '?' : search
  }
  throw new NotCovered(`${name} is not in use`)
}

function status(name: string, { status: code }: HttpResponse): string {
  if (name !== '@status') throw new NotCovered(`${name} is not in use`)
  return String(code)
}
