const prefix = 'indicator--'

/** The UUID inside a STIX indicator id; undefined when it is not one. */
export function uuidOf(id: string): string | undefined {
  const uuid = id.startsWith(prefix) ? id.slice(prefix.length).toLowerCase() : ''
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(uuid) ? uuid : undefined
}
