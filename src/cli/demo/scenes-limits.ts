import { call, path } from '../client.ts'
import { tellWhy } from './scenes-sharing.ts'
import { expect, type Stage } from './stage.ts'

/** AMBER to a CERT reaches its client; AMBER+STRICT does not (TLP 2.0). */
export async function clients(stage: Stage): Promise<void> {
  const record = { type: 'domain-name', class: 'infected-system', audience: ['csirt-cl'] }
  for (const [value, tlp, reaches] of [
    ['router-amber.red-andina.example', 'amber', true],
    ['router-strict.red-andina.example', 'amber+strict', false],
  ] as const) {
    const id = await stage.publish('ana.cert-br', { ...record, value, tlp })
    expect((await stage.see('catalina.csirt-cl', id)) !== undefined, `CSIRT Chile sees ${tlp} addressed to it`)
    const seen = await stage.see('rosa.red-andina', id)
    expect((seen !== undefined) === reaches, `the client ${reaches ? 'sees' : 'does not see'} ${tlp}`)
    stage.narrator.line(`TLP:${tlp.toUpperCase()} to csirt-cl`)
    tellWhy(stage, 'rosa.red-andina', reaches, await stage.explain('ana.cert-br', id, 'red-andina'))
  }
}

/** An agreement that leaves out personal data lets a reader test for a value, and not learn it. */
export async function masking(stage: Stage): Promise<void> {
  const value = 'cobranza.urgente@example.com'
  const record = { type: 'email-address', value, tlp: 'amber', class: 'phishing', audience: ['csirt-cl', 'colcert'] }
  const id = await stage.publish('ana.cert-br', record)
  const whole = await stage.see('catalina.csirt-cl', id)
  expect(whole?.value === value && !whole.masked, 'CSIRT Chile reads the address under example-br-cl')
  tellWhy(stage, 'catalina.csirt-cl', true, await stage.explain('ana.cert-br', id, 'csirt-cl'))
  const masked = await stage.see('camilo.colcert', id)
  expect(masked?.masked === true && !masked.value.includes('cobranza'), 'colCERT gets a digest instead of the address')
  const why = await stage.explain('ana.cert-br', id, 'colcert')
  expect(why.effect === 'redact' && why.reason === 'jurisdiction.redact', 'colCERT: redact by jurisdiction.redact')
  tellWhy(stage, 'camilo.colcert', true, why)
  const request = { method: 'POST', body: { values: [value, 'somebody.else@nowhere.example'] } } as const
  const { results } = await call<{ results: { known: boolean }[] }>(stage.as('camilo.colcert'), '/v1/lookup', request)
  const known = results.map((result) => result.known)
  expect(known[0] === true && known[1] === false, 'colCERT can test an address that it has')
  stage.narrator.line(`what colCERT has is ${masked.value}; a look-up of the address it found itself says: known`)
}

/** Police read what an originator lets them have, or under an approved legal request. */
export async function police(stage: Stage): Promise<void> {
  const record = { type: 'ip-port', tlp: 'amber', class: 'c2-server', audience: ['policia-cl'] }
  for (const [value, lawEnforcement, reaches] of [
    ['203.0.113.220:4444', 'on-request', false],
    ['203.0.113.221:4444', 'allowed', true],
  ] as const) {
    const id = await stage.publish('catalina.csirt-cl', { ...record, value, lawEnforcement })
    const seen = await stage.see('paula.policia-cl', id, 'law-enforcement')
    expect((seen !== undefined) === reaches, `the liaison ${reaches ? 'sees' : 'does not see'} "${lawEnforcement}"`)
    const why = await stage.explain('catalina.csirt-cl', id, 'policia-cl', 'law-enforcement')
    expect(reaches ? why.effect === 'permit' : why.reason === 'purpose.le', `purpose.le decides "${lawEnforcement}"`)
    stage.narrator.line(`CSIRT Chile addresses ${value} to the police unit, lawEnforcement: ${lawEnforcement}`)
    const decisive = { ...why, reason: 'purpose.le' as const }
    tellWhy(stage, 'paula.policia-cl', reaches, decisive)
  }
}

/** The originator takes colleagues out of the audience: they lose it as if it had never been. */
export async function narrowing(stage: Stage, id: string): Promise<void> {
  expect((await stage.see('camilo.colcert', id)) !== undefined, 'colCERT saw it before')
  const request = { method: 'PATCH', body: { audience: ['csirt-cl'] } } as const
  const { version } = await call<{ version: number }>(stage.as('ana.cert-br'), path('v1', 'indicators', id), request)
  expect(version === 2, 'narrowing makes version 2')
  expect((await stage.see('camilo.colcert', id)) === undefined, 'colCERT no longer sees it')
  expect((await stage.see('catalina.csirt-cl', id)) !== undefined, 'CSIRT Chile still sees it')
  stage.narrator.code(`PATCH /v1/indicators/${id}  ${JSON.stringify(request.body)}`)
  stage.narrator.line('colCERT: 200 → 404; CSIRT Chile: still 200')
}

/** The originator withdraws it: gone for every reader, kept in the originator's history. */
export async function recalling(stage: Stage, id: string): Promise<void> {
  const place = path('v1', 'indicators', id)
  const request = { method: 'POST', body: { reason: 'the bank took its own test page for phishing' } } as const
  await call(stage.as('ana.cert-br'), `${place}/recall`, request)
  expect((await stage.see('catalina.csirt-cl', id)) === undefined, 'CSIRT Chile no longer sees it')
  const own = await call<{ status: string }>(stage.as('ana.cert-br'), place)
  expect(own.status === 'recalled', 'its originator sees that it is recalled')
  const { items } = await call<{ items: { change: string }[] }>(stage.as('ana.cert-br'), `${place}/history`)
  const changes = items.map(({ change }) => change).join(', ')
  expect(changes === 'published, narrowed, recalled', 'its history tells the three steps')
  stage.narrator.code(`POST ${place}/recall  ${JSON.stringify(request.body)}`)
  stage.narrator.line(`CSIRT Chile: 200 → 404. CERT.br sees it as recalled, with its history: ${changes}`)
}
