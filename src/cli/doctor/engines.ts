/**
 * Whether a version is in a range of `engines` in package.json: alternatives with `||`, comparators (`>=20.19`, `<21`) with
 * blanks between; nothing else of npm's grammar.
 */
export function satisfiesEngines(range: string, version: string): boolean {
  return range.split('||').some((all) =>
    all
      .trim()
      .split(/\s+/)
      .every((comparator) => holds(comparator, version)),
  )
}

function holds(comparator: string, version: string): boolean {
  const [, operator, bound = ''] = /^(>=|<)(\d{1,4}(?:\.\d{1,4}){0,2})$/.exec(comparator) ?? []
  const order = compare(version, bound)
  return operator === '>=' ? order >= 0 : operator === '<' && order < 0
}

function compare(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split('.').map(Number))
  for (let i = 0; i < 3; i++) {
    const difference = (left?.[i] ?? 0) - (right?.[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
