import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import t from 'tap'

/** Rooms and what each may import besides itself (docs/architecture.md). `*` is everything. */
const law: Readonly<Record<string, readonly string[] | '*'>> = {
  domain: [],
  policy: ['domain'],
  seal: ['domain'],
  formats: ['domain'],
  auth: ['domain'],
  store: ['domain'],
  actions: ['domain', 'policy', 'seal', 'formats', 'auth', 'store'],
  api: ['actions', 'auth', 'formats', 'domain'],
  delivery: ['actions', 'auth', 'formats', 'domain'],
  cli: '*',
  // The files at the root of src: they wire, and nothing imports them but each other and the command line.
  '.': '*',
}

/** Packages that only one room may import. */
const owners: readonly (readonly [pattern: RegExp, room: string])[] = [
  [/^(pg|pg-.*|drizzle-orm)(\/.*)?$/, 'store'],
  [/^jose$/, 'auth'],
]

/** What `domain` may import from outside: small, pure value libraries, and pure functions of Node. */
const valueLibraries = new Set(['ipaddr.js', 'tldts', 'node:crypto', 'node:url', 'node:buffer', 'node:punycode'])

/** In pure rooms neither clock, chance, console nor environment may be touched. */
const impure =
  /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\brandomBytes\b|\brandomUUID\b|\bconsole\.|\bperformance\./
const pureRooms = new Set(['domain', 'policy', 'seal', 'formats'])

interface Import {
  readonly file: string
  readonly from: string
}

const root = resolve('src')
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => join(root, name))
  .sort()

/** Every import of a file: static, dynamic, re-exports and types alike. */
function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8')
  const found = text.matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|\bimport\s+)'([^']+)'/g)
  return [...found].map((match) => ({ file, from: match[1] ?? '' }))
}

const roomOf = (file: string): string => {
  const parts = relative(root, file).split('/')
  return parts.length === 1 ? '.' : (parts[0] ?? '.')
}

const imports = files.flatMap(importsOf)
const internal = imports.filter(({ from }) => from.startsWith('.'))
const target = ({ file, from }: Import): string => resolve(dirname(file), from)

t.test('the law is about rooms that exist, and every room has one', async (t) => {
  t.ok(files.length > 50, `${files.length} files`)
  t.ok(internal.length > 100, `${internal.length} imports`)
  t.strictSame(
    [...new Set(files.map(roomOf))].filter((room) => law[room] === undefined),
    [],
  )
})

t.test('rooms import only what the law lets them', async (t) => {
  const broken = internal.filter((one) => {
    const [from, to] = [roomOf(one.file), roomOf(target(one))]
    const allowed = law[from]
    return from !== to && allowed !== '*' && allowed?.includes(to) !== true
  })
  t.strictSame(broken.map(shown), [])
})

t.test('nothing imports what wires: app, main, schedule and the command line', async (t) => {
  const wiring = new Set(['.', 'cli'])
  const broken = internal.filter((one) => wiring.has(roomOf(target(one))) && !wiring.has(roomOf(one.file)))
  t.strictSame(broken.map(shown), [])
})

t.test('the folders of api do not import each other', async (t) => {
  const folder = (file: string) => relative(join(root, 'api'), file).split('/').slice(0, -1).join('/')
  const broken = internal.filter((one) => {
    if (roomOf(one.file) !== 'api' || roomOf(target(one)) !== 'api') return false
    const [from, to] = [folder(one.file), folder(target(one))]
    return to !== '' && from !== to
  })
  t.strictSame(broken.map(shown), [])
})

t.test('packages with one owner are imported by it alone', async (t) => {
  const broken = imports.filter(({ file, from }) =>
    owners.some(([pattern, room]) => pattern.test(from) && roomOf(file) !== room),
  )
  t.strictSame(broken.map(shown), [])
})

t.test('domain imports nothing from outside but small value libraries', async (t) => {
  const broken = imports.filter(
    (one) =>
      roomOf(one.file) === 'domain' &&
      !one.from.startsWith('.') &&
      !valueLibraries.has(one.from) &&
      !isAddressTest(one),
  )
  t.strictSame(broken.map(shown), [])
})

t.test('process.env is read in config.ts alone', async (t) => {
  const readers = files.filter((file) => /process\s*\.\s*env|\bprocess\b\s*\[/.test(readFileSync(file, 'utf8')))
  t.strictSame(
    readers.map((file) => relative(root, file)),
    ['config.ts'],
  )
})

t.test('pure rooms touch no clock, chance or console', async (t) => {
  const broken = files.filter((file) => pureRooms.has(roomOf(file)) && impure.test(readFileSync(file, 'utf8')))
  t.strictSame(
    broken.map((file) => relative(root, file)),
    [],
  )
})

t.test('outbound requests are made by delivery/http.ts alone; the command line calls its node', async (t) => {
  // The answer of a server, which cannot ask anybody.
  const answering = /^import \{ type IncomingMessage, ServerResponse \} from 'node:http'$/m
  const asks = (text: string) => /\bfetch\(|\bhttps?\.request\(|node:https?'/.test(text)
  const callers = files.filter((file) => asks(readFileSync(file, 'utf8').replace(answering, '')))
  const allowed = callers.filter((file) => relative(root, file) === 'delivery/http.ts' || roomOf(file) === 'cli')
  t.strictSame(
    callers.filter((file) => !allowed.includes(file)).map((file) => relative(root, file)),
    [],
  )
})

t.test('only policy/release.ts makes a Released, or a Blockable', async (t) => {
  const makers = files.filter((file) =>
    /\bas (unknown as )?(Released|Blockable)\b|(?<!\w)<(Released|Blockable)>\s*[({]/.test(readFileSync(file, 'utf8')),
  )
  t.strictSame(
    makers.map((file) => relative(root, file)),
    ['policy/release.ts'],
  )
})

t.test('only policy/release-object.ts makes a ReleasedObject', async (t) => {
  const makers = files.filter((file) =>
    /\bas (unknown as )?ReleasedObject\b|(?<!\w)<ReleasedObject>\s*[({]/.test(readFileSync(file, 'utf8')),
  )
  t.strictSame(
    makers.map((file) => relative(root, file)),
    ['policy/release-object.ts'],
  )
})

t.test('only policy/release-event.ts makes a ReleasedEvent', async (t) => {
  const makers = files.filter((file) =>
    /\bas (unknown as )?ReleasedEvent\b|(?<!\w)<ReleasedEvent>\s*[({]/.test(readFileSync(file, 'utf8')),
  )
  t.strictSame(
    makers.map((file) => relative(root, file)),
    ['policy/release-event.ts'],
  )
})

t.test('there is no circle of imports', async (t) => {
  const graph = new Map(
    files.map((file) => [file, internal.filter((one) => one.file === file && !isTypeOnly(one)).map(target)]),
  )
  const done = new Set<string>()
  const circle = (file: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file].map((each) => relative(root, each))
    if (done.has(file)) return undefined
    for (const next of graph.get(file) ?? []) {
      const found = circle(next, [...path, file])
      if (found !== undefined) return found
    }
    done.add(file)
    return undefined
  }
  for (const file of files) t.strictSame(circle(file, []), undefined, relative(root, file))
})

/** Types vanish when built, so a circle of them is none; values are what must not go round. */
function isTypeOnly({ file, from }: Import): boolean {
  const text = readFileSync(file, 'utf8')
  const lines = text.split('\n').filter((line) => line.includes(`'${from}'`))
  return lines.length > 0 && lines.every((line) => /^\s*(import|export) type\b/.test(line))
}

/** `node:net` knows what an address looks like; nothing else of it is pure. */
const isAddressTest = ({ file, from }: Import): boolean =>
  from === 'node:net' && /import \{( isIP(v4|v6)?,?)+ \} from 'node:net'/.test(readFileSync(file, 'utf8'))

const shown = ({ file, from }: Import): string => `${relative(root, file)} imports ${from}`
