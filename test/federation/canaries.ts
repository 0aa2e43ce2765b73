import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import type { Enrolled } from '../../src/cli/demo/federation/enrol.ts'
import type { NodeProcess } from './processes.ts'

/** Columns in which one of the texts stands, in whatever form the column has it: text, JSON, an array, bytes. */
export async function columnsWith({ database }: NodeProcess, texts: readonly string[]): Promise<string[]> {
  const { rows: columns } = await database.query<{ table: string; column: string }>(
    `select c.relname as table, a.attname as column from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped`,
  )
  const forms = texts.flatMap((text) => [text, Buffer.from(text).toString('hex'), ...base64Forms(text)])
  const found: string[] = []
  for (const { table, column } of columns) {
    const { rowCount } = await database.query(`select 1 from "${table}" where "${column}"::text like any($1) limit 1`, [
      forms.map((form) => `%${form}%`),
    ])
    if (rowCount !== 0) found.push(`${table}.${column}`)
  }
  return found.sort()
}

/** What stands in base64 of a longer text that holds this one: the three ways in which it may lie there. */
const base64Forms = (text: string): string[] =>
  [0, 1, 2].map((before) => {
    const encoded = Buffer.from(' '.repeat(before) + text).toString('base64')
    return encoded.slice(before === 0 ? 0 : 4, -4)
  })

interface Contract {
  readonly paths: Readonly<Record<string, { readonly get?: object }>>
}

/** Every door of the contract that is read without naming something, and those that are asked about a value. */
const doors = Object.entries((parse(readFileSync('openapi.yaml', 'utf8')) as Contract).paths)
  .filter(([path, { get }]) => get !== undefined && !path.includes('{') && !path.includes('stream'))
  .map(([path]) => path)

/** The doors whose answers hold one of the texts, asked by everybody that there is at the node. */
export async function doorsWith({ url, personKey, adminKey }: Enrolled, texts: readonly string[]): Promise<string[]> {
  const found = new Set<string>()
  const holds = (text: string) => texts.some((each) => text.includes(each))
  for (const key of [personKey, adminKey, undefined]) {
    const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` }
    const ask = async (door: string, init: RequestInit = {}) => {
      const answer = await fetch(`${url}${door}`, { ...init, headers: { ...headers, ...init.headers }, signal })
      const text = await answer.text()
      if (holds(text)) found.add(door.replace(/\?.*/, ''))
      return { link: answer.headers.get('link'), text }
    }
    const signal = AbortSignal.timeout(120_000)
    for (const door of doors) await ask(door)
    for (const door of ['/v1/indicators?limit=1000', '/v1/feed?limit=1000']) {
      for (let next: string | undefined = door; next !== undefined; ) {
        const { link, text }: { link: string | null; text: string } = await ask(next)
        const [, following] = /<([^>]*)>; rel="next"/.exec(link ?? '') ?? []
        next = door.includes('feed') && text.includes('"items":[]') ? undefined : following
      }
    }
    await ask('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ indicators(first: 500) { edges { node { value description } } } }' }),
    })
  }
  return [...found].sort()
}
