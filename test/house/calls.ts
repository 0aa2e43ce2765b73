/** One call in a source text: where it stands, and its arguments as they are written. */
export interface Call {
  /** From 1. */
  readonly line: number
  readonly arguments: readonly string[]
}

/** Calls that begin so (`t.match(`), of a text of TypeScript. */
export function callsIn(text: string, begin: string): Call[] {
  const calls: Call[] = []
  for (let at = text.indexOf(begin); at >= 0; at = text.indexOf(begin, at + 1)) {
    const line = text.slice(0, at).split('\n').length
    calls.push({ line, arguments: argumentsFrom(text, at + begin.length) })
  }
  return calls
}

/** What stands in quotes, template texts and regular expressions is empty here: brackets in them are none. */
function argumentsFrom(text: string, from: number): string[] {
  const all = ['']
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const next = text[at] ?? ''
    const end = literalEnd(text, at)
    if (end > at) {
      all[all.length - 1] += "''"
      at = end
      continue
    }
    if ('([{'.includes(next)) depth++
    if (')]}'.includes(next) && depth-- === 0) return all
    if (next === ',' && depth === 0) all.push('')
    else all[all.length - 1] += next
  }
  return all
}

const literals =
  /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`|(?<=[(,:=[!&|?{};\n]\s*)\/(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\//y

/** Where the quoted text, or regular expression, that begins here ends; -1 where none does. */
function literalEnd(text: string, at: number): number {
  literals.lastIndex = at
  const found = literals.exec(text)
  return found === null ? -1 : at + found[0].length - 1
}
