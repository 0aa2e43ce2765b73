#!/usr/bin/env node
/**
 * Writes docs/types.md from the table of observable types, as built in dist/. Without `--write` it prints the page, which
 * is what the test of the documentation compares.
 */
import { writeFileSync } from 'node:fs'
import { observableGroups, observableTypes, refusedTypes } from '../dist/src/domain/observables/index.js'
import { kinds } from '../dist/src/domain/observables/kinds.js'

const headings = {
  network: 'Networks',
  name: 'Names and URLs',
  fingerprint: 'Certificates and fingerprints',
  hash: 'Hashes',
  file: 'Files',
  host: 'On the machine',
  software: 'Software and weaknesses',
  mail: 'E-mail',
  identity: 'Accounts and identities',
  finance: 'Money',
  content: 'Rules and knowledge',
}

const systems = {
  stix: 'STIX',
  misp: 'MISP',
  intelmq: 'IntelMQ',
  n6: 'n6',
  cap: 'CAP',
  shadowserver: 'Shadowserver',
}

const page = write()
if (process.argv.includes('--write')) writeFileSync(new URL('../docs/types.md', import.meta.url), page)
else process.stdout.write(page)

function write() {
  const types = [...observableTypes.values()]
  return `# Observable types

<!-- Written by bin/write-types.js from src/domain/observables; a test compares. Do not edit. -->

${types.length} types. Each has a canonical form (what is stored, shown and compared), a key by which equal things are found, and a validator: a
value that does not pass is refused with \`invalid_value\` and its position. ${types.filter(({ anyText }) => !anyText).length} have a grammar of their own, often with check digits; of
the other ${types.filter(({ anyText }) => anyText).length} any text is a value that is not too long and can be shown. Where no type is given it is told from the value, if that can
be done without doubt. ${refusedTypes.size} more are [refused](#refused). What CERTs call things, and what that is here: [kinds of data](#kinds-of-data).

- **STIX**: the object path it is written as (the first) and read from (all). *x-puente-…* is ours, where STIX has none. \`ip-port\` and
  \`host-port\` are written as \`network-traffic:dst_ref.value\` and \`dst_port\` together.
- **Grammar**: what has none takes any text.
- **MISP**: the attribute types it is read from.
- **Personal**: the handling is marked as personal data whatever the publisher says ([policy](policy.md#personal-data-and-masking)).
- **Masks**: where an agreement leaves personal data out, a keyed digest can stand for the value. *no*: then it is not shown at all.
- **Defanged**: \`evil[.]example\`, \`hxxp://…\` and the like are read as what they stand for.

${observableGroups.map((group) => section(group, types)).join('\n')}
## Kinds of data

The ${kinds.length} kinds that CERTs exchange, in the words of STIX (object paths), MISP (attribute types), IntelMQ, n6, Team Cymru's CAP and Shadowserver (what
says the class of an event). ${kinds.filter(({ classes }) => classes.length === 0).length} are values of a type; ${kinds.filter(({ classes }) => classes.length > 0).length} are a value under a class of RSIT.

| kind | words of others | type | class |
| --- | --- | --- | --- |
${kinds.map(kindRow).join('\n')}

## Refused

These have no place in shared space. A record with such a type, or with a private key under any type, is refused with
\`refused_type\`.

${[...byReason()].map(([reason, ids]) => `- ${reason}: ${ids.map(code).join(', ')}`).join('\n')}
`
}

function section(group, types) {
  const rows = types.filter((type) => type.group === group).map(row)
  return `## ${headings[group]}

| type | what | grammar | STIX | MISP | personal | masks | defanged |
| --- | --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`
}

function row({ id, description, anyText, stix, misp, personalData, maskable, refangs }) {
  const cells = [
    code(id),
    description,
    yes(!anyText),
    list(stix),
    list(misp),
    yes(personalData),
    yes(maskable),
    yes(refangs),
  ]
  return `| ${cells.join(' | ')} |`
}

function kindRow({ kind, words, types, classes }) {
  const named = words.map(
    (word) =>
      `${systems[word.slice(0, word.indexOf(':'))]} ${code(word.slice(word.indexOf(':') + 1).replaceAll('~', ' '))}`,
  )
  return `| ${kind} | ${named.join(', ')} | ${list(types)} | ${list(classes)} |`
}

function byReason() {
  const reasons = new Map()
  for (const [id, reason] of refusedTypes) reasons.set(reason, [...(reasons.get(reason) ?? []), id])
  return reasons
}

function code(text) {
  return `\`${text.replaceAll('|', '\\|')}\``
}

function list(items) {
  return items.length === 0 ? '' : items.map(code).join(', ')
}

function yes(truth) {
  return truth ? 'yes' : 'no'
}
