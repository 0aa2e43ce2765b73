import { capCells } from './cap.ts'

/** Members that only IntelMQ's events have: its names have dots, unless they are nested. */
const intelmqNames = [
  'classification',
  'source',
  'destination',
  'feed',
  'time',
  'event_description',
  'malware',
  'protocol',
]
/** Members that only n6's events have. */
const n6Names: ReadonlySet<string> = new Set(['restriction', 'address', 'dip', 'adip'])

/** Whose document the first members of its first object tell it is; undefined where they are native, or nobody's. */
export function formatOfObject(text: string): 'misp' | 'stix' | 'intelmq' | 'n6' | undefined {
  for (const { name, value } of firstMembers(text)) {
    if (name === 'Event' || name === 'response') return 'misp'
    if (name === 'objects' || name === 'spec_version' || value === 'bundle' || isStixId(value)) return 'stix'
    if (name === '__type' || isIntelmqName(name, value)) return 'intelmq'
    if (n6Names.has(name)) return 'n6'
  }
  return undefined
}

/** Flat, `source.ip`; nested, a namespace that is an object (a text of the same name is somebody else's). */
const isIntelmqName = (name: string, value: string): boolean =>
  intelmqNames.some((known) => name.startsWith(`${known}.`)) || (value === '{' && intelmqNames.includes(name))

/**
 * Whether lines are CAP or a Shadowserver report, told by the first that is no comment. A CAP file's comments name it as well;
 * Shadowserver's headers have columns that nobody else has together.
 */
export function formatOfText(text: string): 'cap' | 'shadowserver' | undefined {
  for (const line of text.replace(/^\ufeff/, '').split('\n')) {
    const bare = line.trim()
    if (bare === '') continue
    if (bare.startsWith('#category|address|asn|') || bare.startsWith('# Format: report|ip|asn|')) return 'cap'
    if (bare.startsWith('#')) continue
    const cells = capCells(bare)
    if (cells?.length === 6 && /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/.test(cells[3] ?? '')) return 'cap'
    const names = new Set(
      bare
        .toLowerCase()
        .split(',')
        .map((name) => name.replaceAll('"', '').trim()),
    )
    const columns = names.has('timestamp') && names.has('severity')
    return columns && (names.has('naics') || names.has('src_naics') || names.has('public_source'))
      ? 'shadowserver'
      : undefined
  }
  return undefined
}

/** Native records may bring the id of an indicator; any other STIX id is an object of STIX. */
const isStixId = (value: string): boolean => {
  const uuid = value.indexOf('--')
  return uuid > 0 && value.length === uuid + 38 && !value.startsWith('indicator--')
}

/** Members of the object the text begins with (or of the first one in an array), as far as the text reaches. */
function* firstMembers(text: string): Generator<{ name: string; value: string }> {
  let depth = 0
  let name: string | undefined
  for (let at = Math.max(text.indexOf('{'), 0); at < text.length; at++) {
    const character = text[at]
    if (character === '"') {
      const end = closing(text, at)
      const string = text.slice(at + 1, end)
      if (depth === 1 && name !== undefined) yield { name, value: string }
      else if (depth === 1) name = string
      at = end
    } else if (character === '{' || character === '[') {
      if (depth === 1 && name !== undefined) yield { name, value: character }
      depth++
    } else if (character === '}' || character === ']') depth--
    else if (character === ',' && depth === 1) name = undefined
    if (depth === 0 && at > 0 && character === '}') return
  }
}

function closing(text: string, open: number): number {
  let at = open + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
}
