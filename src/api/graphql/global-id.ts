/** Types that `node(id)` finds (Relay's Global Object Identification). */
export const nodeTypes = ['Indicator', 'Organisation', 'Account', 'Community', 'Agreement'] as const
export type NodeType = (typeof nodeTypes)[number]

/**
 * The id that is one over the whole schema. Made of type and local id alone: an originator in an indicator's would name sources
 * that stay anonymous.
 */
export const globalIdOf = (type: NodeType, id: string): string => Buffer.from(`${type}:${id}`).toString('base64url')

/** What a global id names; undefined when the text is none. */
export function openGlobalId(text: string): { readonly type: NodeType; readonly id: string } | undefined {
  const bytes = Buffer.from(text, 'base64url')
  const plain = bytes.toString('utf8')
  const colon = plain.indexOf(':')
  const type = nodeTypes.find((each) => each === plain.slice(0, colon))
  if (type === undefined || bytes.toString('base64url') !== text) return undefined
  return { type, id: plain.slice(colon + 1) }
}

/** The local id that an argument means: given as it is, or as the global one. No local id has the form of a global one. */
export function localIdOf(type: NodeType, text: string): string {
  const opened = openGlobalId(text)
  return opened?.type === type ? opened.id : text
}

/** What is no UUID names nothing that has one: the answer is that of one that is not there. */
export const uuidIn = (id = ''): string =>
  /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id) ? id : '00000000-0000-0000-0000-000000000000'
