import type { Shell } from './shell.ts'

/** A column of a table: its head, and what stands in it for a row. */
export type Column<Row> = readonly [head: string, cell: (row: Row) => string | number | boolean | undefined]

/** Longest cell shown; machines get the whole by `--json`. */
const cellCharacters = 60

/**
 * Prints rows: a table for people, one JSON document a line for machines. What a terminal would obey is taken out of the
 * cells, since others wrote them.
 */
export function printRows<Row>(
  shell: Shell,
  json: boolean | undefined,
  rows: readonly Row[],
  columns: readonly Column<Row>[],
): void {
  if (json === true) {
    for (const row of rows) shell.print(JSON.stringify(row))
    return
  }
  if (rows.length === 0) {
    shell.say('nothing')
    return
  }
  const cells = rows.map((row) => columns.map(([, cell]) => shown(cell(row))))
  for (const line of aligned([columns.map(([head]) => head), ...cells])) shell.print(line)
}

/** Prints one thing: `name: value` lines for people, a JSON document for machines. */
export function printThing(shell: Shell, json: boolean | undefined, thing: object): void {
  const lines = Object.entries(thing).map(([name, value]) => [`${name}:`, shown(value)])
  for (const line of json === true ? [JSON.stringify(thing)] : aligned(lines)) shell.print(line)
}

/** Lines whose cells stand under one another. */
export function aligned(lines: readonly (readonly string[])[]): string[] {
  const widths: number[] = []
  for (const line of lines) for (const [i, cell] of line.entries()) widths[i] = Math.max(widths[i] ?? 0, width(cell))
  return lines.map((line) =>
    line
      .map((cell, i) => (i === line.length - 1 ? cell : cell + ' '.repeat((widths[i] ?? 0) - width(cell))))
      .join('  ')
      .trimEnd(),
  )
}

/** Text from elsewhere as a terminal may have it: no control, format or unassigned characters (Unicode category C). */
export const harmless = (text: string): string => text.replace(/\p{C}/gu, '�')

const width = (text: string): number => [...text].length

function shown(value: unknown): string {
  const text = value === undefined ? '-' : Array.isArray(value) ? value.map(plain).join(', ') || '-' : plain(value)
  const safe = harmless(text)
  return [...safe].length > cellCharacters ? `${[...safe].slice(0, cellCharacters - 1).join('')}…` : safe
}

const plain = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value))
