#!/usr/bin/env node
/**
 * Writes docs/types.md from the table of observable types, as built in dist/. Without `--write` it prints the page, which
 * is what the test of the documentation compares.
 */
import { writeFileSync } from 'node:fs'
import { observableGroups, observableTypes, refusedTypes } from '../dist/src/domain/observables/index.js'

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

const page = write()
if (process.argv.includes('--write')) writeFileSync(new URL('../docs/types.md', import.meta.url), page)
else process.stdout.write(page)

function write() {
  const types = [...observableTypes.values()]
  return `# Observable types

<!-- Written by bin/write-types.js from src/domain/observables; a test compares. Do not edit. -->

${types.length} types. Each has a canonical form (what is stored, shown and compared) and a validator: a value that does not pass is refused
with \`invalid_value\` and its position. Where no type is given it is told from the value, if that can be done without doubt.

- **STIX**: the object path it is written as (the first) and read from (all). *x-puente-…* is ours, where STIX has none. \`ip-port\` and
  \`host-port\` are written as \`network-traffic:dst_ref.value\` and \`dst_port\` together.
- **MISP**: the attribute types it is read from.
- **Personal**: the handling is marked as personal data whatever the publisher says ([policy](policy.md#personal-data-and-masking)).
- **Masks**: where an agreement leaves personal data out, a keyed digest can stand for the value. *no*: then it is not shown at all.
- **Defanged**: \`evil[.]example\`, \`hxxp://…\` and the like are read as what they stand for.

${observableGroups.map((group) => section(group, types)).join('\n')}
## Refused

These have no place in shared space. A record with such a type, or with a private key under any type, is refused with
\`refused_type\`.

${[...byReason()].map(([reason, ids]) => `- ${reason}: ${ids.map(code).join(', ')}`).join('\n')}
`
}

function section(group, types) {
  const rows = types.filter((type) => type.group === group).map(row)
  return `## ${headings[group]}

| type | what | STIX | MISP | personal | masks | defanged |
| --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`
}

function row({ id, description, stix, misp, personalData, maskable, refangs }) {
  const cells = [code(id), description, list(stix), list(misp), yes(personalData), yes(maskable), yes(refangs)]
  return `| ${cells.join(' | ')} |`
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
