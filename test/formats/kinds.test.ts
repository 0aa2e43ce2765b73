import { readFileSync } from 'node:fs'
import t from 'tap'
import {
  anyIpAddress,
  observableTypes,
  refusedTypes,
  typeOfMisp,
  typeOfStixPath,
} from '../../src/domain/observables/index.ts'
import { kinds } from '../../src/domain/observables/kinds.ts'
import { isRsitType } from '../../src/domain/rsit.ts'
import { rsitOfIntelmq } from '../../src/formats/intelmq-types.ts'
import { rsitOfN6 } from '../../src/formats/n6-categories.ts'
import { rsitOfCap } from '../../src/formats/rsit-cap.ts'
import { rsitOfReport } from '../../src/formats/shadowserver-types.ts'

/** The kinds of data that CERTs exchange: whatever they call them, the codecs make of it what docs/types.md says. */

const addresses = ['ipv4-address', 'ipv6-address', 'ipv4-prefix', 'ipv6-prefix']

/** What a codec makes of a word: types of observables, or a class. */
const meanings: Readonly<Record<string, (word: string) => readonly (string | undefined)[]>> = {
  misp: (word) => (typeOfMisp(word) ?? []).flatMap((type) => (type === anyIpAddress ? addresses : type)),
  stix: (path) => [typeOfStixPath(path, '')],
  intelmq: (word) => [rsitOfIntelmq(word)],
  n6: (word) => [rsitOfN6(word)],
  cap: (word) => [rsitOfCap(word)],
  shadowserver: (report) => [rsitOfReport(report)],
}

t.test('at least 104 kinds are taken, each as a type or under a class that there is', async (t) => {
  t.ok(kinds.length >= 104, `${kinds.length} kinds`)
  t.equal(new Set(kinds.map(({ kind }) => kind)).size, kinds.length, 'each once')
  for (const { kind, types, classes } of kinds) {
    t.ok(types.length > 0, kind)
    for (const type of types) t.ok(observableTypes.has(type), `${kind}: ${type}`)
    for (const type of classes) t.ok(isRsitType(type), `${kind}: ${type}`)
  }
})

t.test('the codecs make of each word what the table says', async (t) => {
  let words = 0
  for (const { kind, types, classes, words: all } of kinds) {
    for (const word of all) {
      const colon = word.indexOf(':')
      const meaning = meanings[word.slice(0, colon)]?.(word.slice(colon + 1).replaceAll('~', ' ')) ?? []
      const made = meaning.filter((each) => each !== undefined && [...types, ...classes].includes(each))
      t.ok(made.length > 0, `${kind}: ${word} is ${meaning.join(', ')}`)
      words++
    }
  }
  t.ok(words > 150, `${words} words`)
  const told = new Set(kinds.flatMap(({ words }) => words))
  const categories =
    'amplifier backdoor bots cnc deface dns-query dos-attacker dos-victim exposed flow flow-anomaly fraud leak malurl malware-action ' +
    'phish proxy sandbox-url scam scanning server-exploit spam spam-url tor vulnerable webinject'
  for (const category of categories.split(' ')) t.ok(told.has(`n6:${category}`), `every category of n6: ${category}`)
})

t.test('at least 104 types, at least 60 with a grammar, and the page counts them', async (t) => {
  const types = [...observableTypes.values()]
  const withGrammar = types.filter(({ anyText }) => !anyText)
  t.ok(types.length >= 104)
  t.ok(withGrammar.length >= 60)
  const page = readFileSync('docs/types.md', 'utf8').replaceAll('\n', ' ')
  t.match(page, `${types.length} types.`)
  t.match(page, `${withGrammar.length} have a grammar`)
  t.match(page, `The ${kinds.length} kinds`)
  t.match(page, `${refusedTypes.size} more are`)
  const refused = (parse: (text: string) => string, text: string): boolean => {
    try {
      parse(text)
      return false
    } catch {
      return true
    }
  }
  // What has a grammar refuses at least one of these, and what has none takes them all.
  const junk = ['¿ junk ?', '%%', 'é']
  for (const { id, anyText, parse, key } of types) {
    t.equal(
      junk.some((text) => refused(parse, text)),
      !anyText,
      `${id} ${anyText ? 'has no' : 'has a'} grammar`,
    )
    if (anyText) t.equal(key(parse(key(parse('Junk')))), key(parse('Junk')), `${id} has a key`)
  }
})

t.test('what has no place in shared space is refused, with the reason', async (t) => {
  const wanted = ['passport-number', 'visa-number', 'passenger-name-record', 'passenger-name-record-locator-number']
  for (const type of [
    ...wanted,
    'identity-card-number',
    'password',
    'private-key',
    'pgp-private-key',
    'ssh-private-key',
  ]) {
    t.match(refusedTypes.get(type), /not shared/, type)
    t.notOk(kinds.some(({ types }) => types.includes(type)))
  }
})
