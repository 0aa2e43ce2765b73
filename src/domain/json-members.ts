/**
 * The members of a JSON object as texts, in order: name → value without insignificant white space. Values stay as they
 * were written: parsing and writing again would round numbers and respell escapes. The text must be valid JSON.
 */
export function membersOf(json: string): Map<string, string> {
  const text = withoutWhiteSpace(json)
  const members = new Map<string, string>()
  let depth = 0
  let start = 1
  let colon = 0
  const end = (at: number) => {
    if (colon > 0) members.set(String(JSON.parse(text.slice(start, colon))), text.slice(colon + 1, at))
    start = at + 1
    colon = 0
  }
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 34) at = afterString(text, at) - 1
    else if (code === 123 || code === 91) depth++
    else if (code === 125 || code === 93) {
      if (depth === 1) end(at)
      depth--
    } else if (depth === 1 && code === 44) end(at)
    else if (depth === 1 && code === 58) colon = at
  }
  return members
}

/** The object again, on one line. */
export const objectText = (members: ReadonlyMap<string, string>): string =>
  `{${[...members].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`

function withoutWhiteSpace(json: string): string {
  let text = ''
  let from = 0
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at)
    if (code === 34) at = afterString(json, at) - 1
    else if (code === 32 || code === 10 || code === 13 || code === 9) {
      text += json.slice(from, at)
      from = at + 1
    }
  }
  return text + json.slice(from)
}

/** The position after the string that opens at `open`. */
function afterString(text: string, open: number): number {
  let at = open + 1
  while (at < text.length && text.charCodeAt(at) !== 34) at += text.charCodeAt(at) === 92 ? 2 : 1
  return at + 1
}
