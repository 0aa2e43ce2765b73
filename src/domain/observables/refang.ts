/** What people write for a character so that nobody clicks on it, from long to short. */
const defanged: readonly (readonly [string, string])[] = [
  ['[://]', '://'],
  ['[dot]', '.'],
  ['(dot)', '.'],
  ['{dot}', '.'],
  ['[at]', '@'],
  ['(at)', '@'],
  ['{at}', '@'],
  ['[.]', '.'],
  ['(.)', '.'],
  ['{.}', '.'],
  ['[@]', '@'],
  ['(@)', '@'],
  ['[:]', ':'],
  ['[/]', '/'],
  ['\\.', '.'],
]

/** Which of them end in a given character: a text is read once, and only ends are looked at. */
const endingIn = new Map<string, (readonly [string, string])[]>()
for (const pair of defanged) {
  const end = pair[0].at(-1) ?? ''
  endingIn.set(end, [...(endingIn.get(end) ?? []), pair])
}

/** Schemes as they are defanged. */
const schemes: readonly (readonly [RegExp, string])[] = [
  [/^h(?:xx|xt|tx|\*\*|__|\[tt\])p(s?):(?=\/\/)/i, 'http$1:'],
  [/^meow(s?):(?=\/\/)/i, 'http$1:'],
  [/^fxp(s?):(?=\/\/)/i, 'ftp$1:'],
]

/**
 * Turns one defanged value into the real one: `hxxps://evil[.]example` → `https://evil.example`. Text that is not
 * defanged comes back as it is: where a URL has a real scheme and host, brackets in its path are meant. Applying it
 * twice changes nothing; time is linear in the length.
 */
export function refang(text: string): string {
  // Without brackets, backslashes and // there is nothing that anybody defanged.
  if (!text.includes('//') && !/[\])}\\]/.test(text)) return text
  const authority = /^[a-z][a-z0-9+.-]{0,15}:\/\/([^/?#]*)/i.exec(text)
  const real = authority !== null && !isDefangedScheme(text) && unbracketed(authority[1] ?? '') === authority[1]
  if (real) return text
  const plain = unbracketed(text)
  for (const [spelling, scheme] of schemes) {
    if (spelling.test(plain)) return plain.replace(spelling, (_, s: string) => scheme.replace('$1', s.toLowerCase()))
  }
  return plain
}

const isDefangedScheme = (text: string): boolean => schemes.some(([spelling]) => spelling.test(text))

/** Replaces as it goes, so that what a replacement completes (`[[.]]`) is replaced as well. */
function unbracketed(text: string): string {
  if (!/[\])}]|\\\./.test(text)) return text
  const written: string[] = []
  for (const character of text) {
    written.push(character)
    for (let pair = pairAtEnd(written); pair !== undefined; pair = pairAtEnd(written)) {
      written.splice(written.length - pair[0].length, pair[0].length, ...pair[1])
    }
  }
  return written.join('')
}

function pairAtEnd(written: readonly string[]): readonly [string, string] | undefined {
  const candidates = endingIn.get(written.at(-1) ?? '')
  return candidates?.find(([token]) => endsIn(written, token))
}

function endsIn(written: readonly string[], token: string): boolean {
  const start = written.length - token.length
  for (let index = token.length - 2; index >= 0; index--) {
    if (written[start + index]?.toLowerCase() !== token[index]) return false
  }
  return true
}
