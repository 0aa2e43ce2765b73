import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { run } from '../../src/cli/main.ts'
import { readConfig, variables } from '../../src/config.ts'
import { ruleIds } from '../../src/domain/decision.ts'
import { limits } from '../../src/domain/limits.ts'
import { type Permission, permissions } from '../../src/policy/permissions.ts'

/** The documentation says what the code says: whatever can be compared is compared, in both directions. */

const pages = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md'],
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name))
    .sort(),
]
const textOf = (page: string): string => readFileSync(page, 'utf8')

/** What stands between fences and backticks. */
const codeIn = (text: string): string[] =>
  [...text.matchAll(/^```[^\n]*\n([\s\S]*?)^```|`([^`]+)`/gm)].map(([, block, span]) => block ?? span ?? '')

/** The text of one section: from its heading to the next of its rank. */
function section(page: string, heading: string): string {
  const found = new RegExp(`^## ${heading}\\n([\\s\\S]*?)(?=^## |(?![\\s\\S]))`, 'm').exec(textOf(page))
  if (found?.[1] === undefined) throw new Error(`${page} has no section "${heading}"`)
  return found[1]
}

/** Rows of the tables in a text, cell by cell; heads and rules of tables are left out. */
const rowsIn = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
    .map((line) =>
      line
        .slice(1, line.lastIndexOf('|'))
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    )

/** The anchor that a heading gets where Markdown is shown. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .trim()
    .replaceAll(' ', '-')

const withoutCode = (text: string): string => text.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`]*`/g, '')

t.test('every link between the pages leads somewhere', async (t) => {
  let links = 0
  for (const page of pages) {
    for (const [, target = ''] of withoutCode(textOf(page)).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue
      links++
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? page : normalize(join(dirname(page), path))
      t.ok(existsSync(file), `${page}: ${target}`)
      if (anchor === undefined || !existsSync(file)) continue
      const anchors = [...textOf(file).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => anchorOf(heading))
      t.ok(anchors.includes(anchor), `${page}: ${target} is a heading of ${file}`)
    }
  }
  t.ok(links > 50, `${links} links`)
})

t.test('every file that a page names is there', async (t) => {
  for (const page of pages) {
    const files = codeIn(textOf(page)).filter((code) => /^(src|test|bin|docs|migrations)\/[\w./-]+\.\w+$/.test(code))
    for (const file of new Set(files)) {
      if (!file.includes('NNNN')) t.ok(existsSync(file), `${page}: ${file}`)
    }
  }
})

t.test('every page is reached from the README', async (t) => {
  const reached = new Set<string>(['README.md'])
  for (const page of reached) {
    for (const [, target = ''] of textOf(page).matchAll(/\]\(([^)#\s]+\.md)/g)) {
      const file = normalize(join(dirname(page), target))
      if (existsSync(file)) reached.add(file)
    }
  }
  t.strictSame(
    pages.filter((page) => !reached.has(page)),
    [],
  )
})

t.test('README and operations list the variables that are read, and no others', async (t) => {
  const read = variables.map(({ name }) => name).sort()
  const defaults = new Map(variables.map((each) => [each.name, each.default]))
  for (const text of [section('README.md', 'Running it for real'), section('docs/operations.md', 'Configuration')]) {
    const rows = rowsIn(text).filter(([name = '']) => name.startsWith('`'))
    t.strictSame(rows.map(([name = '']) => name.replaceAll('`', '')).sort(), read)
    for (const [name = '', otherwise = ''] of rows) {
      t.equal(otherwise.replaceAll('`', ''), defaults.get(name.replaceAll('`', '')), `the default of ${name}`)
    }
  }
  for (const page of pages) {
    const named = textOf(page).match(/\bPUENTE_[A-Z_]+\b/g) ?? []
    t.strictSame(
      named.filter((name) => !read.includes(name)),
      [],
      `${page} names no other`,
    )
  }
})

t.test('each dependency has its line of why, and each line its dependency', async (t) => {
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(textOf('package.json'))
  const headings = {
    Runtime: dependencies,
    Development: devDependencies,
    'Optional: the embedded database': optionalDependencies,
  }
  for (const [heading, packages] of Object.entries(headings)) {
    const rows = rowsIn(section('docs/dependencies.md', heading)).filter(([name]) => name !== 'package')
    t.strictSame(
      rows.map(([name = '']) => name.replaceAll('`', '')),
      Object.keys(packages).sort(),
      heading,
    )
    for (const [name, why = ''] of rows) t.ok(why.length > 4, `${name} has a reason`)
  }
})

t.test('the page of types is what the table says', async (t) => {
  const page = execFileSync(process.execPath, ['bin/write-types.js'], { encoding: 'utf8' })
  t.equal(textOf('docs/types.md'), page, 'run "node bin/write-types.js --write" after a change of the table')
})

t.test('the policy page has a section for each rule, and examples that the truth table has', async (t) => {
  const headings = [...section('docs/policy.md', 'The rules').matchAll(/^### `(.+)`$/gm)].map(([, id = '']) => id)
  t.strictSame(headings, ruleIds)
  const cases = new Map<string, string>()
  for (const file of readdirSync('test/cases')) {
    const rows: unknown = parse(textOf(join('test/cases', file)), { maxAliasCount: -1 })
    if (!Array.isArray(rows)) continue
    for (const { case: sentence, expect } of rows) cases.set(sentence, `${expect.effect} by \`${expect.reason}\``)
  }
  const examples = rowsIn(textOf('docs/policy.md')).filter(([, answer = '']) =>
    /^(permit|redact|deny) by /.test(answer),
  )
  t.ok(examples.length > 40, `${examples.length} examples`)
  for (const [sentence = '', answer] of examples) t.equal(cases.get(sentence), answer, sentence)
})

t.test('the policy page says who may call each verb', async (t) => {
  const written = rowsIn(section('docs/policy.md', 'Who may do what')).filter(([verb]) => verb !== 'verb')
  t.strictSame(
    written,
    Object.entries(permissions).map(([verb, permission]) => permissionRow(verb, permission)),
  )
})

function permissionRow(verb: string, { who, scope, where }: Permission): string[] {
  const roles = typeof who === 'string' ? [] : who.map((role) => `\`${role}\``)
  const anyone = who === 'public' ? 'anyone' : who === 'peer' ? 'a peer' : 'any account'
  const nobody = 'nobody by any door: at the machine, once'
  return [`\`${verb}\``, typeof who === 'string' ? anyone : roles.join(' or ') || nobody, `\`${scope}\``, where ?? '']
}

t.test('operations list the limits as they are', async (t) => {
  const written = rowsIn(section('docs/operations.md', 'Limits')).filter(([name]) => name !== 'limit')
  t.strictSame(
    written.map(([name = '', value]) => [name.replaceAll('`', ''), Number(value)]),
    Object.entries(limits),
  )
})

t.test('every command that a page names exists, and the command line page names every command', async (t) => {
  const commands = new Set(await commandsOf())
  const groups = new Set([...commands].filter((name) => name.includes(' ')).map((name) => name.split(' ')[0]))
  for (const page of pages) {
    const named = codeIn(textOf(page)).flatMap((code) => [
      ...code.matchAll(/(?:^|[\s(|])(?:bin\/puente\.js|puente) ([a-z]+)(?: ([a-z-]+))?/g),
    ])
    for (const [, first = '', second = ''] of named) {
      const name = groups.has(first) ? `${first} ${second}` : first
      t.ok(commands.has(name), `${page}: puente ${name}`)
    }
  }
  const told = new Set(
    [...textOf('docs/cli.md').matchAll(/`puente ([a-z]+(?: [a-z-]+)?)`/g)].map(([, name = '']) => name),
  )
  t.strictSame(
    [...commands].filter((name) => !told.has(name)),
    [],
  )
})

/** The names of all commands that do something, as `--help` lists them. */
async function commandsOf(group: readonly string[] = []): Promise<string[]> {
  const lines: string[] = []
  const world = { ...readConfig({}), stdin: process.stdin, terminal: { out: false, err: false }, say: () => {} }
  await run([...group, '--help'], () => ({ ...world, print: (text) => void lines.push(...text.split('\n')) }))
  const listed = lines.slice(lines.indexOf('Commands:') + 1)
  if (listed.length === lines.length) return [group.join(' ')]
  const names = listed.slice(0, listed.indexOf('')).flatMap((line) => /^ {2}([a-z-]+)/.exec(line)?.[1] ?? [])
  const below = names.filter((name) => name !== 'help').map((name) => commandsOf([...group, name]))
  return (await Promise.all(below)).flat()
}

t.test('each test that the threat model relies on exists', async (t) => {
  const cited = [...textOf('docs/threat-model.md').matchAll(/`(test\/[\w./-]+)`: “([^”]+)”/g)]
  t.ok(cited.length > 20, `${cited.length} tests`)
  for (const [, file = '', name = ''] of cited)
    t.ok(existsSync(file) && textOf(file).includes(name), `${file}: ${name}`)
})

t.test('each decision that the code cites is written down', async (t) => {
  const written = new Set(readdirSync('docs/adr').map((name) => Number(name.slice(0, 4))))
  const sources = ['src', 'test', 'migrations', 'bin'].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|js|sql|yaml)$/.test(name))
      .map((name) => join(folder, name)),
  )
  const cited = sources.flatMap((file) => [...textOf(file).matchAll(/\bADR (\d+)/g)].map(([, n]) => Number(n)))
  t.ok(cited.length > 2, `${cited.length} citations`)
  t.strictSame(
    [...new Set(cited)].filter((n) => !written.has(n)),
    [],
  )
  for (const name of readdirSync('docs/adr')) {
    const heading = textOf(join('docs/adr', name)).split('\n', 1)[0] ?? ''
    t.ok(heading.startsWith(`# ADR ${Number(name.slice(0, 4))}: `), `${name} begins with its number: ${heading}`)
  }
})
