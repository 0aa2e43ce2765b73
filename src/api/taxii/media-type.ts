import { Fault } from '../../domain/errors.ts'

/** The media type of every answer, byte for byte: clients compare it, and a space, a quote or a charset is another text to them. */
export const taxiiType = 'application/taxii+json;version=2.1'

/** The media type of what stands in collections. */
export const stixType = 'application/stix+json;version=2.1'

/**
 * TAXII 2.1 §1.6.8: a list of types is read, a missing version means the newest, and any type stands for it.
 * @throws {Fault} `not_acceptable`
 */
export function checkAccept(accept: string | undefined): void {
  if (accept === undefined) return
  for (const item of accept.split(',')) {
    const { type, parameters } = parsed(item)
    if (Number(parameters.get('q') ?? 1) === 0) continue
    if (type === '*/*' || type === 'application/*') return
    if (type === 'application/taxii+json' && (parameters.get('version') ?? '2.1') === '2.1') return
  }
  throw new Fault('not_acceptable', `This door answers in ${taxiiType}.`)
}

/** @throws {Fault} `unsupported_media_type` */
export function checkContentType(contentType: string | undefined): void {
  const { type, parameters } = parsed(contentType ?? '')
  if (type === 'application/taxii+json' && (parameters.get('version') ?? '2.1') === '2.1') return
  throw new Fault('unsupported_media_type', `This door reads ${taxiiType}.`)
}

/** `application/taxii+json; version="2.1"` in its parts, in lower case. */
function parsed(text: string): { readonly type: string; readonly parameters: ReadonlyMap<string, string> } {
  const [type = '', ...others] = text.split(';').map((part) => part.trim().toLowerCase())
  const parameters = new Map<string, string>()
  for (const part of others) {
    const [name = '', value = ''] = part.split('=', 2).map((each) => each.trim())
    parameters.set(name, value.startsWith('"') && value.endsWith('"') && value.length > 1 ? value.slice(1, -1) : value)
  }
  return { type, parameters }
}
