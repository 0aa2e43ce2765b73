/** What stands in CAP's `optional_information`, or `comments` in the old form. */
export interface CapComment {
  /** `key: value;` pairs in order; a key may come again. */
  readonly pairs: readonly (readonly [string, string])[]
  /** What stands there without a key. */
  readonly bare: string
}

/** Keys of the new form, the longest first: a line's glitch may glue one to a host name. */
const keys = [
  'destination_port_numbers',
  'additional_asns',
  'honeypot_port',
  'ports_scanned',
  'darknet_port',
  'proxy_type',
  'dest_addr',
  'dest_port',
  'destaddr',
  'protocol',
  'hostname',
  'username',
  'srcport',
  'family',
  'tlp',
  'pap',
  'port',
] as const

/** Words of the old form, each followed by its value; the new form has lines of it too. */
const oldKeys: Readonly<Record<string, string>> = {
  srcport: 'srcport',
  mwtype: 'family',
  destaddr: 'dest_addr',
  dstaddr: 'dest_addr',
}

/** Reads either form: which one it is, its own words tell. */
export function capComment(text: string): CapComment {
  const trimmed = text.trim()
  if (oldKeys[trimmed.split(' ', 1)[0] ?? ''] !== undefined) return oldComment(trimmed.replace(/;$/, ''))
  const pairs: (readonly [string, string])[] = []
  const bare: string[] = []
  let last: string[] = bare
  for (const segment of trimmed.split(';')) {
    const pair = /^\s*([a-z][a-z0-9_]{0,40}): (.*)$/s.exec(segment)
    if (pair === null) {
      // A URL may hold a semicolon: what follows it without a key is still the URL.
      last.push(segment)
      continue
    }
    last = [pair[2] ?? '']
    pairs.push(...unglued(pair[1] ?? '', pair[2] ?? ''))
  }
  return { pairs, bare: withoutLast(bare).join(';').trim() }
}

/** Without the empty segments that a list of `…;` ends with. */
function withoutLast(segments: readonly string[]): readonly string[] {
  let end = segments.length
  while (end > 0 && segments[end - 1]?.trim() === '') end--
  return segments.slice(0, end)
}

/** `hostname: sub.example.comport: 80`: two pairs without what should part them. */
function unglued(key: string, value: string): readonly (readonly [string, string])[] {
  for (const other of key === 'hostname' ? keys : []) {
    const at = value.indexOf(`${other}: `)
    if (at <= 0) continue
    const [before, after] = [value.slice(0, at).trim(), value.slice(at + other.length + 2).trim()]
    return [
      [key, before],
      [other, after],
    ]
  }
  return [[key, value.trim()]]
}

/** `srcport 1337 mwtype Mirai Bot destaddr 192.0.2.1 Some Botnet`: a type may have spaces, an address has none. */
function oldComment(text: string): CapComment {
  const pairs: [string, string][] = []
  const bare: string[] = []
  for (const word of text.split(' ')) {
    const key = Object.hasOwn(oldKeys, word) ? oldKeys[word] : undefined
    const last = pairs.at(-1)
    if (key !== undefined) pairs.push([key, ''])
    else if (last === undefined || (last[1] !== '' && last[0] !== 'family')) bare.push(word)
    else last[1] = last[1] === '' ? word : `${last[1]} ${word}`
  }
  return { pairs, bare: bare.join(' ').trim() }
}
