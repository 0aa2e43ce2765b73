import type { Handling } from '../../src/domain/handling.ts'
import type { Observable } from '../../src/domain/observables/observable.ts'
import { rangeOf } from '../../src/domain/observables/ranges.ts'
import type { Blockable } from '../../src/domain/released.ts'
import { type BlocklistFormat, type BlocklistTally, newTally } from '../../src/formats/blocklists/format.ts'
import { isNetwork } from '../../src/formats/blocklists/grammar.ts'
import { blocklistFormats } from '../../src/formats/blocklists/index.ts'
import { blockableOf } from '../../src/policy/release.ts'

export const greenHandling: Handling = {
  originator: 'cert-br',
  tlp: 'green',
  pap: 'green',
  organisations: [],
  communities: [],
  people: [],
  lawEnforcement: 'on-request',
  personalData: false,
  maskable: false,
  attribution: 'named',
}

const release = blockableOf(greenHandling, 'permit')
export const blockable = (type: string, value: string): Blockable => release({ type, value }, { class: 'c2-server' })

/** The order in which the store gives values. */
export function inOrder(values: readonly Observable[]): Observable[] {
  return values
    .map((each) => [`${keyOf(each)}\0${each.type}`, each] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, each]) => each)
}

function keyOf({ type, value }: Observable): string {
  if (type === 'domain-name' || type === 'hostname') return `0 ${value.split('.').reverse().join(' ')}`
  if (!type.startsWith('ip') || !isNetwork(value)) return `${type === 'url' ? 2 : 3} ${value}`
  const { version, first, last } = rangeOf(value)
  return `1 ${version} ${first.toString(16).padStart(32, '0')} ${(2n ** 128n - last).toString(16).padStart(33, '0')}`
}

/** A list of these values, in batches of three so that every state of a codec crosses a boundary. */
export async function written(
  extension: string,
  values: readonly Observable[],
  together = 3,
): Promise<{ text: string; tally: BlocklistTally }> {
  const format = formatOf(extension)
  const tally = newTally()
  async function* batches() {
    const taken = inOrder(values).filter(({ type }) => format.takes.includes(type))
    for (let at = 0; at < taken.length; at += together)
      yield taken.slice(at, at + together).map(({ type, value }) => blockable(type, value))
  }
  let text = ''
  for await (const piece of format.encode(batches(), { name: 'all', serial: 1_790_000_000, tally })) text += piece
  return { text, tally }
}

export function formatOf(extension: string): BlocklistFormat {
  const format = blocklistFormats.get(extension)
  if (format === undefined) throw new Error(`there is no format ${extension}`)
  return format
}

/** Values that have broken somebody's parser, as values of each type that could be said to have them. */
export const hostileTexts: readonly string[] = [
  'evil.example;rm -rf /',
  'evil.example"; drop',
  "evil.example' or '1",
  'evil.example\nnext.example',
  'evil.example\r\n$INCLUDE /etc/passwd',
  '$INCLUDE /etc/passwd',
  '$ORIGIN example.',
  '@',
  '*',
  '*.evil.example',
  '.evil.example',
  'evil.example.',
  'evil..example',
  'evil\u037eexample.com',
  'evil\u3002example.com',
  'ev\u0131l.example',
  `${'a'.repeat(64)}.example`,
  `${'a.'.repeat(126)}ab.example`,
  'evil.example #',
  '# evil.example',
  'evil.example}',
  '{evil.example',
  'evil.example,other.example',
  'evil\t.example',
  'evil example.com',
  'evil\\.example',
  'evil.example/',
  'EVIL.example',
  '-evil.example',
  'evil-.example',
  'com',
  'localhost',
  'evil.example.123',
  '192.0.2.1',
  '192.0.2.001',
  '192.0.2.1 ',
  '192.0.2.256',
  '192.0.2.1/33',
  '192.0.2.1/24',
  '0x7f.1',
  '0.0.0.0/0',
  '::/0',
  '::ffff:192.0.2.1',
  '2001:DB8::1',
  '2001:db8:0:0:0:0:0:1',
  'fe80::1%eth0',
  '2001:db8::1::2',
  'http://evil.example/a b',
  'http://evil.example/\n',
  'javascript:alert(1)',
  '=1+1',
  'd41d8cd98f00b204e9800998ecf8427',
  'D41D8CD98F00B204E9800998ECF8427E',
  'd41d8cd98f00b204e9800998ecf8427e:*:x',
  '',
  '\0',
  '\u2028',
]
