import { randomUUID } from 'node:crypto'
import type { Explanation } from '../../actions/explain.ts'
import { call } from '../client.ts'
import { expect, type Stage } from './stage.ts'

/** Values of the transcript: above what the generator uses, so that nothing else is known about them. */
export const c2 = '203.0.113.210'
const phishing = 'acceso-seguro.banco-ejemplo.example'

/** Who is asked about the AMBER indicator, and what the policy should say. */
const audience: readonly (readonly [account: string, effect: 'permit' | 'deny', rule: string])[] = [
  ['bruno.cert-br', 'permit', 'own'],
  ['catalina.csirt-cl', 'permit', 'tlp.amber'],
  ['rosa.red-andina', 'permit', 'tlp.amber'],
  ['camilo.colcert', 'permit', 'tlp.amber'],
  ['ximena.cert-mx', 'deny', 'jurisdiction.agreement'],
  ['olivia.observa', 'deny', 'tlp.amber'],
  ['paula.policia-cl', 'deny', 'tlp.amber'],
]

/** A CERT publishes. @returns the id of the AMBER indicator that the other scenes are about */
export async function publishing(stage: Stage): Promise<string> {
  const { narrator } = stage
  const green = {
    type: 'ipv4-address',
    value: c2,
    tlp: 'green',
    class: 'c2-server',
    name: 'C2 of MateLoader (invented)',
  }
  const amber = {
    type: 'domain-name',
    value: phishing,
    tlp: 'amber',
    class: 'phishing',
    audience: ['community:lac-csirts'],
  }
  await stage.publish('ana.cert-br', green)
  const id = await stage.publish('ana.cert-br', amber)
  narrator.line(`${stage.person('ana.cert-br')} publishes two indicators, TLP:GREEN and TLP:AMBER to a community:`)
  for (const record of [green, amber]) narrator.code(`POST /v1/indicators  ${JSON.stringify(record)}`)
  narrator.line(`→ accepted; the second is ${id}`)
  return id
}

/** Each partner's answer by REST and GraphQL, and what the originator is told about it. */
export async function seeing(stage: Stage, id: string): Promise<void> {
  for (const [account, effect, rule] of audience) {
    const seen = await stage.see(account, id)
    const why = await stage.explain('ana.cert-br', id, stage.organisationOf(account))
    expect(why.effect === effect && why.reason === rule, `${account}: ${effect} by ${rule}`)
    expect(
      (seen !== undefined) === (effect === 'permit'),
      `${account} ${effect === 'permit' ? 'sees' : 'does not see'} it`,
    )
    tellWhy(stage, account, seen !== undefined, why)
  }
  expect((await stage.see(undefined, id)) === undefined, 'the public does not see AMBER')
  stage.narrator.line('the public: 404')
}

/** One line for the answer, one for the reason. */
export function tellWhy(stage: Stage, account: string, seen: boolean, why: Explanation): void {
  const finding = why.rules.find(({ id }) => id === why.reason)
  const under = why.agreements.map(({ id }) => `, under ${id}`).join('')
  stage.narrator.line(`${stage.person(account)}: ${seen ? '200' : '404'}; ${why.effect} by ${why.reason}${under}`)
  stage.narrator.code(`  ${finding?.sentence ?? ''}`)
}

/** For whoever may not see it, it is as if it had never been: every byte of the answer. */
export async function absence(stage: Stage, id: string): Promise<void> {
  for (const account of ['ximena.cert-mx', undefined]) {
    const [hidden, random] = [await stage.read(account, id), await stage.read(account, `indicator--${randomUUID()}`)]
    expect(hidden.status === 404 && random.status === 404, `${account ?? 'the public'} gets 404 for both`)
    expect(hidden.text === random.text, 'the two bodies are equal')
    expect(headersOf(hidden) === headersOf(random), 'the two sets of headers are equal')
  }
  stage.narrator.line(`${stage.person('ximena.cert-mx')} asks for it and for an id made up just now: 404 both times,`)
  stage.narrator.line('body and headers the same byte for byte. The public: likewise.')
}

/** What tells the time or counts requests differs between any two answers. */
const headersOf = ({ headers }: { readonly headers: Headers }): string =>
  JSON.stringify([...headers].filter(([name]) => name !== 'date' && !name.startsWith('x-ratelimit-')))

/** A look-up knows what its reader may see, defanged or not. */
export async function lookingUp(stage: Stage): Promise<void> {
  const values = [c2.replaceAll('.', '[.]'), phishing, 'never-seen.example']
  for (const [account, known] of [
    ['catalina.csirt-cl', [true, true, false]],
    ['ximena.cert-mx', [true, false, false]],
  ] as const) {
    const request = {
      method: 'POST',
      body: { values: values.map((value, i) => (i === 0 ? { value } : { value, type: 'domain-name' })) },
    } as const
    const { results } = await call<{ results: { known: boolean }[] }>(stage.as(account), '/v1/lookup', request)
    const answers = results.map((result) => result.known)
    expect(JSON.stringify(answers) === JSON.stringify(known), `${account} knows ${JSON.stringify(known)}`)
    const told = values.map((value, i) => `${value} ${answers[i] === true ? 'known' : 'not known'}`)
    stage.narrator.line(`${stage.person(account)}: ${told.join('; ')}`)
  }
}
