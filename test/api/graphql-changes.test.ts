import t from 'tap'
import { type Answer, testNode } from '../node.ts'
import { ask, dataOf, errorsOf } from './graphql.ts'

t.setTimeout(120_000)

t.test('what is published is seen, revised, narrowed, explained and recalled', async (t) => {
  const node = await testNode(t)
  const publish = `mutation ($input: [IndicatorInput!]!, $defaults: HandlingInput, $key: String) {
    publish(input: $input, defaults: $defaults, idempotencyKey: $key) {
      receipt accepted unchanged rejectedTotal rejected { code message position { record pointer } }
    }
  }`
  const input = [
    { value: 'bad.example', type: 'domain-name', class: 'phishing', confidence: 70, labels: ['x'], description: null },
    { value: 'what is this', type: null },
    { value: '192.0.2.8', handling: { tlp: 'AMBER', audience: ['nobody'] } },
    { value: '192.0.2.9', confidence: 700 },
    {
      value: '192.0.2.10',
      handling: { tlp: 'AMBER_STRICT', audience: ['@own', 'csirt-cl'], expiresAt: '2027-01-01T00:00:00Z' },
    },
  ]
  const defaults = { tlp: 'GREEN' }
  const first = await dataOf(node, 'carlos.colcert', publish, { input, defaults, key: 'k1' })
  t.match(first.publish, {
    accepted: 2,
    unchanged: 0,
    rejectedTotal: 3,
    rejected: [
      { code: 'unknown_type', position: { record: 1, pointer: '/input/1/value' } },
      { code: 'audience_unknown', position: { record: 2 } },
      { code: 'invalid_record', position: { record: 3, pointer: '/input/3/confidence' } },
    ],
  })
  t.strictSame(
    await dataOf(node, 'carlos.colcert', publish, { input, defaults, key: 'k1' }),
    first,
    'the same key, the same receipt',
  )
  const reused = await ask(node, 'carlos.colcert', publish, { input, defaults: { tlp: 'CLEAR' }, key: 'k1' })
  t.strictSame(errorsOf(reused), ['publish idempotency_key_reused'])
  const unmarked = await dataOf(node, 'carlos.colcert', publish, { input: [{ value: '192.0.2.77' }] })
  t.match(unmarked.publish.rejected, [{ code: 'marking_required' }])
  t.strictSame(errorsOf(await ask(node, 'bruno.cert-br', publish, { input, defaults })), ['publish role_required'])

  const seen = await dataOf(
    node,
    'camila.csirt-cl',
    '{ indicators { edges { node { stixId value class classType confidence handling { tlp audience expiresAt } } } } }',
  )
  const [strict, phishing] = seen.indicators.edges.map((edge: { node: object }) => edge.node)
  t.match(strict, {
    value: '192.0.2.10',
    handling: { tlp: 'AMBER_STRICT', audience: ['csirt-cl'], expiresAt: '2027-01-01T00:00:00.000Z' },
  })
  t.match(phishing, {
    value: 'bad.example',
    class: 'fraud',
    classType: 'phishing',
    confidence: 70,
    handling: { tlp: 'GREEN' },
  })

  const id = phishing.stixId
  const revise = `mutation ($id: ID!, $revision: RevisionInput!, $ifVersion: Int) {
    revise(id: $id, revision: $revision, ifVersion: $ifVersion) { version name confidence handling { tlp audience } history { version change } }
  }`
  const narrower = { name: 'kit', handling: { tlp: 'AMBER', audience: ['csirt-cl'] } }
  t.strictSame(errorsOf(await ask(node, 'carlos.colcert', revise, { id, revision: narrower, ifVersion: 9 })), [
    'revise version_conflict',
  ])
  t.strictSame(errorsOf(await ask(node, 'carlos.colcert', revise, { id, revision: {} })), ['revise invalid_request'])
  t.match(
    (await ask(node, 'carlos.colcert', revise, { id, revision: { handling: { releasableTo: ['Narnia'] } } })).body
      .errors,
    [{ extensions: { code: 'invalid_handling', position: { pointer: '/revision/handling/releasableTo' } } }],
  )
  t.strictSame(errorsOf(await ask(node, 'camila.csirt-cl', revise, { id, revision: narrower })), [
    'revise originator_only',
  ])
  t.match(await dataOf(node, 'carlos.colcert', revise, { id, revision: narrower, ifVersion: 1 }), {
    revise: {
      version: 2,
      name: 'kit',
      confidence: 70,
      handling: { tlp: 'AMBER', audience: ['csirt-cl'] },
      history: [
        { version: 1, change: 'PUBLISHED' },
        { version: 2, change: 'NARROWED' },
      ],
    },
  })

  const explain =
    'query ($id: ID!, $org: ID) { explain(id: $id, organisation: $org) { stixId effect reason organisation { slug } agreements { slug } mayBlock rules { id outcome } } }'
  t.match(await dataOf(node, 'carlos.colcert', explain, { id, org: 'cert-mx' }), {
    explain: {
      stixId: id,
      effect: 'DENY',
      organisation: { slug: 'cert-mx' },
      agreements: { length: 0 },
      mayBlock: true,
    },
  })
  t.match(await dataOf(node, 'camila.csirt-cl', explain, { id }), {
    explain: { effect: 'PERMIT', organisation: { slug: 'csirt-cl' } },
  })
  t.strictSame(errorsOf(await ask(node, 'camila.csirt-cl', explain, { id, org: 'colcert' })), ['explain not_yours'])

  const recall =
    'mutation ($id: ID!, $reason: String!) { recall(id: $id, reason: $reason) { id stixId version recalled } }'
  t.strictSame(errorsOf(await ask(node, 'carlos.colcert', recall, { id, reason: '' })), ['recall invalid_request'])
  t.match(await dataOf(node, 'carlos.colcert', recall, { id, reason: 'mistaken' }), {
    recall: { stixId: id, version: 3, recalled: true },
  })
  t.strictSame(errorsOf(await ask(node, 'carlos.colcert', recall, { id, reason: 'again' })), [
    'recall already_recalled',
  ])
  t.strictSame(await dataOf(node, 'camila.csirt-cl', 'query ($id: ID!) { indicator(id: $id) { value } }', { id }), {
    indicator: null,
  })
})

t.test('the directory is kept by those whose office it is', async (t) => {
  const node = await testNode(t)
  const admin = 'admin.lacnic'
  const officer = 'policy.lacnic'
  const enrol =
    'mutation { enrolOrganisation(input: { id: "csirt-pe", name: "CSIRT Perú", kind: NATIONAL_CERT, jurisdiction: "PE" }) { slug kind jurisdiction disabled } }'
  t.match(await dataOf(node, admin, enrol), {
    enrolOrganisation: { slug: 'csirt-pe', kind: 'NATIONAL_CERT', disabled: false },
  })
  t.strictSame(errorsOf(await ask(node, admin, enrol)), ['enrolOrganisation already_exists'])
  t.strictSame(errorsOf(await ask(node, officer, enrol)), ['enrolOrganisation role_required'])
  t.strictSame(errorsOf(await ask(node, 'caio.cert-br', enrol)), ['enrolOrganisation not_yours'])

  const inOne = await dataOf(
    node,
    admin,
    `mutation {
      before: amendOrganisation(id: "csirt-pe", name: "PeCERT") { name constituency { value } }
      setConstituency(organisation: "csirt-pe", entries: [{ kind: COUNTRY, value: "PE" }, { kind: ASN, value: "AS64500" }]) { kind value }
      addClient(provider: "csirt-pe", client: "rede-sul") { provider { name constituency { kind value } } client { slug } }
    }`,
  )
  t.strictSame(inOne.before, { name: 'PeCERT', constituency: [] })
  t.match(
    inOne.addClient.provider,
    {
      name: 'PeCERT',
      constituency: [
        { kind: 'ASN', value: '64500' },
        { kind: 'COUNTRY', value: 'PE' },
      ],
    },
    'a later field sees what an earlier one changed',
  )
  t.match(
    await dataOf(node, admin, '{ constituency(organisation: "csirt-pe") { kind } clients { provider { slug } } }'),
    { constituency: [{ kind: 'ASN' }, { kind: 'COUNTRY' }] },
  )
  t.strictSame(
    await dataOf(
      node,
      admin,
      '{ constituency(organisation: "nobody") { kind } organisation(id: "nobody") { slug } keys(account: "x") { id } }',
    ).catch((error: Error) => error.message.includes('not_yours')),
    { constituency: null, organisation: null, keys: null },
  )
  t.match(
    await dataOf(
      node,
      admin,
      'mutation { removeClient(provider: "csirt-pe", client: "rede-sul") { provider { slug } client { slug } } }',
    ),
    { removeClient: { client: { slug: 'rede-sul' } } },
  )
  t.notMatch(JSON.stringify(await dataOf(node, admin, '{ clients { provider { slug } } }')), /csirt-pe/)

  const account =
    'mutation ($roles: [Role!]!) { createAccount(input: { id: "inti.csirt-pe", organisation: "csirt-pe", name: "Inti", roles: $roles }) { slug organisation { slug } roles } }'
  t.strictSame(errorsOf(await ask(node, admin, account, { roles: ['LIAISON', 'APPROVER'] })), [
    'createAccount roles_forbidden',
  ])
  t.match(await dataOf(node, admin, account, { roles: ['PUBLISHER', 'READER'] }), {
    createAccount: { roles: ['READER', 'PUBLISHER'], organisation: { slug: 'csirt-pe' } },
  })
  t.match(
    await dataOf(
      node,
      admin,
      'mutation { amendAccount(id: "inti.csirt-pe", roles: [READER], name: null) { name roles } }',
    ),
    { amendAccount: { name: 'Inti', roles: ['READER'] } },
  )
  const issued = await dataOf(
    node,
    admin,
    'mutation { issueKey(account: "inti.csirt-pe", name: "laptop", scopes: [READ], expiresAt: "2026-07-01T00:00:00Z") { secret key { id account scopes expiresAt revokedAt } } }',
  )
  t.match(issued.issueKey.key, {
    account: 'inti.csirt-pe',
    scopes: ['READ'],
    expiresAt: '2026-07-01T00:00:00.000Z',
    revokedAt: null,
  })
  const me = (): Promise<Answer> =>
    node.call('anonymous', {
      method: 'POST',
      url: '/graphql',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${issued.issueKey.secret}` },
      payload: JSON.stringify({ query: '{ me { account { slug } scopes purpose operator } }' }),
    })
  t.match((await me()).body.data, {
    me: { account: { slug: 'inti.csirt-pe' }, scopes: ['READ'], purpose: 'DEFENCE', operator: false },
  })
  t.equal(
    (await dataOf(node, admin, 'mutation ($id: ID!) { revokeKey(id: $id) }', issued.issueKey.key)).revokeKey,
    issued.issueKey.key.id,
  )
  t.equal((await me()).status, 401)
  t.match(await dataOf(node, admin, '{ keys(account: "inti.csirt-pe") { id revokedAt } }'), {
    keys: [{ revokedAt: '2026-06-01T00:00:00.000Z' }],
  })
  t.strictSame(
    errorsOf(await ask(node, 'caio.cert-br', 'mutation ($id: ID!) { revokeKey(id: $id) }', issued.issueKey.key)),
    ['revokeKey not_found'],
  )

  const community = await dataOf(
    node,
    officer,
    `mutation {
      createCommunity(input: { id: "andes-csirts", name: "Andes" }) { slug description members { slug } }
      addMember(community: "andes-csirts", organisation: "csirt-pe") { community { members { slug } } organisation { slug } }
      removeMember(community: "andes-csirts", organisation: "csirt-pe") { community { name members { slug } } }
    }`,
  )
  t.strictSame(community, {
    createCommunity: { slug: 'andes-csirts', description: '', members: [] },
    addMember: { community: { members: [{ slug: 'csirt-pe' }] }, organisation: { slug: 'csirt-pe' } },
    removeMember: { community: { name: 'Andes', members: [] } },
  })
  const agreement = `mutation { addAgreement(input: { id: "pe-uy", name: "Example (invented)", parties: ["PE", "UY"], maxTlp: AMBER_STRICT,
    purposes: [DEFENCE, LAW_ENFORCEMENT], personalData: false, validFrom: "2026-01-01T00:00:00Z", citation: "Invented", example: true })
    { slug maxTlp purposes validTo } }`
  t.match(await dataOf(node, officer, agreement), {
    addAgreement: { slug: 'pe-uy', maxTlp: 'AMBER_STRICT', purposes: ['DEFENCE', 'LAW_ENFORCEMENT'], validTo: null },
  })
  t.strictSame(errorsOf(await ask(node, 'elena.csirt-cl', agreement)), ['addAgreement not_yours'])
  t.match(await dataOf(node, officer, 'mutation { endAgreement(id: "pe-uy") { validTo } }'), {
    endAgreement: { validTo: '2026-06-01T00:00:00.000Z' },
  })
  t.strictSame(errorsOf(await ask(node, officer, 'mutation { endAgreement(id: "none") { validTo } }')), [
    'endAgreement not_found',
  ])
  const closed = [
    'organisations { slug }',
    'communities { slug }',
    'agreements { slug }',
    'clients { client { slug } }',
    'me { operator }',
  ]
  for (const field of closed) {
    const answer = await ask(node, 'anonymous', `{ ${field} }`)
    t.strictSame(errorsOf(answer), [`${field.split(' ')[0]} credentials_required`])
  }
})

t.test('ending what an organisation that is not enrolled has is not found, and no error of the node', async (t) => {
  const node = await testNode(t)
  const client =
    'mutation { removeClient(provider: "nobody", client: "csirt-cl") { provider { slug } client { slug } } }'
  t.strictSame(errorsOf(await ask(node, 'marta.lacnic', client)), ['removeClient not_found'])
  const member = 'mutation { removeMember(community: "lac-csirts", organisation: "nobody") { organisation { slug } } }'
  t.strictSame(errorsOf(await ask(node, 'policy.lacnic', member)), ['removeMember not_found'])
  const rest = await node.call('marta.lacnic', { method: 'DELETE', url: '/v1/organisations/nobody/clients/csirt-cl' })
  t.equal(rest.status, 404)
})
