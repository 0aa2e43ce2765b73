import { readFileSync } from 'node:fs'
import {
  type GraphQLField,
  type GraphQLObjectType,
  getNamedType,
  isEnumType,
  isIntrospectionType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
  isScalarType,
  validateSchema,
} from 'graphql'
import t from 'tap'
import { parse } from 'yaml'
import { loaders } from '../../src/api/graphql/loaders.ts'
import { resolvers } from '../../src/api/graphql/resolvers.ts'
import { readSchema } from '../../src/api/graphql/schema.ts'
import { enumName, vocabulary } from '../../src/api/graphql/vocabulary.ts'
import { handlingMembers } from '../../src/formats/handling-fields.ts'
import { freshAddress, testNode } from '../node.ts'
import { handling } from './graphql.ts'

const schema = readSchema()
const types = Object.values(schema.getTypeMap()).filter((type) => !isIntrospectionType(type))
const objects = types.filter(isObjectType)
const fieldsOf = (name: string): string[] => {
  const type = schema.getType(name)
  return type !== undefined && 'getFields' in type ? Object.keys(type.getFields()).sort() : []
}

t.test('the contract is valid, and hides nothing in untyped JSON', async (t) => {
  t.strictSame(validateSchema(schema), [])
  const scalars = types.filter(isScalarType).map(({ name }) => name)
  t.strictSame(scalars.sort(), ['ASN', 'Boolean', 'DateTime', 'Float', 'ID', 'Int', 'String'])
})

t.test('each field of Query, Mutation and Subscription has a resolver, and each resolver a field', async (t) => {
  t.strictSame(Object.keys(resolvers.Query).sort(), fieldsOf('Query'))
  t.strictSame(Object.keys(resolvers.Mutation).sort(), fieldsOf('Mutation'))
  t.strictSame(Object.keys(resolvers.Subscription).sort(), fieldsOf('Subscription'))
  for (const [name, fields] of Object.entries({ ...resolvers, ...loaders })) {
    if (name === 'DateTime' || name === 'ASN') continue
    for (const field of Object.keys(fields))
      t.ok(fieldsOf(name).includes(field), `${name}.${field} is in schema.graphql`)
  }
})

t.test('each enumeration speaks the words of the domain', async (t) => {
  const enumerations = types.filter(isEnumType)
  t.strictSame(enumerations.map(({ name }) => name).sort(), Object.keys(vocabulary).sort())
  for (const type of enumerations) {
    const words = vocabulary[type.name] ?? []
    t.strictSame(
      type.getValues().map(({ name }) => name),
      words.map(enumName),
      `${type.name}, in the order of the domain`,
    )
    for (const word of words) t.equal(type.parseValue(type.serialize(word)), word)
  }
})

/** What REST calls it and GraphQL calls otherwise, or has besides. */
const renamed: Readonly<Record<string, { readonly gone?: readonly string[]; readonly more?: readonly string[] }>> = {
  Indicator: {
    gone: ['quality'],
    more: ['stixId', 'stix', 'history', 'explain', 'observations', 'sightings', 'related'],
  },
  Explanation: { gone: ['id'], more: ['stixId'] },
  Observations: { gone: ['id'], more: ['stixId'] },
  Sightings: { gone: ['id'], more: ['stixId'] },
  Sighted: { gone: ['id'], more: ['stixId'] },
  Recalled: { more: ['stixId'] },
  Organisation: { more: ['slug', 'constituency', 'accounts'] },
  Account: { more: ['slug'] },
  Community: { more: ['slug'] },
  Agreement: { more: ['slug'] },
}

t.test('REST and GraphQL have the same words for the same things', async (t) => {
  type Part = { readonly [name: string]: Part }
  const { components } = parse(readFileSync('openapi.yaml', 'utf8')) as Part
  const rest = components?.schemas ?? {}
  const same: Record<string, string> = {
    Receipt: 'ReceiptFields',
    IndicatorFilter: '',
    Webhook: 'Subscription',
    WebhookFilter: 'FeedFilter',
  }
  const shared = [
    'Indicator',
    'Handling',
    'Observable',
    'HistoryEntry',
    'LookupResult',
    'Explanation',
    'Finding',
    'Receipt',
    'RecordFault',
  ]
  const directory = [
    'Position',
    'Recalled',
    'Me',
    'Organisation',
    'ClientPair',
    'Account',
    'ApiKey',
    'ClientKey',
    'Identity',
    'Webhook',
    'WebhookFilter',
    'FeedFilter',
    'DeadLetter',
    'Pinged',
    'RotatedSecret',
    'Community',
    'Membership',
    'Agreement',
    'Observations',
    'ObservationReport',
    'Prevalence',
    'ObservationTotals',
    'Sightings',
    'SightingReport',
    'SightingSum',
    'Sighted',
    'Decay',
    'Related',
    'Blocklist',
    'ListKey',
    'Warninglist',
    'Peer',
    'PeerKey',
    'PeerState',
    'Pulled',
    'Quarantined',
    'ReleasedFromQuarantine',
    'RotatedNodeKey',
    'HandlingProfile',
    'WideningRequest',
    'Wanted',
    'WideningPage',
  ]
  for (const name of [...shared, ...directory]) {
    const { gone = [], more = [] } = renamed[name] ?? {}
    const words = Object.keys(rest[same[name] ?? name]?.properties ?? {}).filter((word) => !gone.includes(word))
    t.ok(words.length > 0, `${name} is in openapi.yaml`)
    t.strictSame(fieldsOf(name), [...words, ...more].sort(), name)
  }
  t.strictSame(fieldsOf('HandlingInput'), [...handlingMembers].sort())
  const inputs = {
    NewOrganisationInput: 'NewOrganisation',
    NewAccountInput: 'NewAccount',
    NewAgreementInput: 'NewAgreement',
    NewPeerInput: 'NewPeer',
    PeerAmendmentInput: 'PeerAmendment',
  }
  for (const [input, body] of Object.entries(inputs)) {
    t.strictSame(fieldsOf(input), Object.keys(rest[body]?.properties ?? {}).sort(), input)
  }
  const revision = Object.keys(rest.Revision?.properties ?? {}).filter(
    (word) => !handlingMembers.some((each) => each === word),
  )
  t.strictSame(fieldsOf('RevisionInput'), [...revision, 'handling'].sort())
})

t.test('each verb that REST has, GraphQL has', async (t) => {
  const { paths } = parse(readFileSync('openapi.yaml', 'utf8')) as {
    paths: Record<string, Record<string, { operationId?: string; 'x-door'?: string }>>
  }
  // Clients of MISP and of TAXII have protocols of their own, and know nothing of this schema (docs/misp.md, docs/taxii.md).
  const operations = Object.values(paths).flatMap((item) =>
    Object.values(item).flatMap(({ operationId, 'x-door': door }) =>
      door === 'misp' || door === 'taxii' ? [] : (operationId ?? []),
    ),
  )
  const other: Record<string, string> = {
    search: 'indicators',
    read: 'indicator',
    whoami: 'me',
    follow: 'changes',
    stream: 'feed',
    readObservations: 'observations',
    readSightings: 'sightings',
    readProvenance: 'provenance',
    readHolders: 'holders',
    readPeer: 'peer',
    readWideningRequest: 'wideningRequest',
    readQuarantined: 'quarantined',
    readConstituency: 'constituency',
    // GraphQL has a type Subscription of its own.
    listSubscriptions: 'webhooks',
    readSubscription: 'webhook',
    readLegalRequest: 'legalRequest',
    readFigures: 'figures',
    previewRetention: 'retentionDue',
    readAssistance: 'assistance',
    readReply: 'reply',
    listAttribution: 'attributionRequests',
    readAttribution: 'attributionRequest',
    listAssistance: 'assistanceList',
    listObjects: 'stixObjects',
    readObject: 'stixObject',
    listObjectVersions: 'stixObjectVersions',
    recallObject: 'recallStixObject',
    createSubscription: 'createWebhook',
    amendSubscription: 'amendWebhook',
    removeSubscription: 'removeWebhook',
    pingSubscription: 'pingWebhook',
  }
  // OAuth has its own protocol, and is what one gets in by.
  const oauth = ['issueToken', 'revokeToken', 'publishedKeys', 'describeTokens']
  const own = new Set(['health', 'ready', 'contract', ...oauth])
  // For auditors' tools, which fetch notes and proofs by URL and know nothing of this schema (docs/audit.md).
  const proofs = [
    'auditCheckpoint',
    'auditKey',
    'listCheckpoints',
    'proveInclusion',
    'proveConsistency',
    'listLeaves',
    'legalTrail',
  ]
  for (const operation of proofs) own.add(operation)
  // Between nodes, which know nothing of this schema, and what they say of themselves.
  for (const operation of [
    'describeNode',
    'federationFeed',
    'federationAcks',
    'federationCheckpoints',
    'federationDoorbell',
    'federationWidening',
  ])
    own.add(operation)
  // A file for resolvers and firewalls.
  own.add('readBlocklist')
  // A package is a file too.
  own.add('downloadExport')
  const fields = [...fieldsOf('Query'), ...fieldsOf('Mutation'), ...fieldsOf('Subscription')]
  const listed = (operation: string) => operation.replace(/^list(.)/, (_, first: string) => first.toLowerCase())
  for (const operation of operations.filter((each) => !own.has(each))) {
    t.ok(fields.includes(other[operation] ?? listed(operation)), operation)
  }
  t.ok(operations.length > 25)
})

t.test('every field of every type answers, in the type that the contract promises', async (t) => {
  const node = await testNode(t)
  const value = freshAddress(1)
  const subscription = '00000000-0000-4000-8000-000000000001'
  const id = await node.plant(
    {
      originator: 'lacnic',
      tlp: 'amber',
      pap: 'amber',
      organisations: ['lacnic'],
      communities: ['node-community'],
      people: [],
      releasableTo: ['UY'],
      notReleasableTo: ['XK'],
      lawEnforcement: 'never',
      personalData: false,
      maskable: false,
      attribution: 'named',
      expiresAt: '2030-01-01T00:00:00.000Z',
    },
    { type: 'ipv6-address', value },
    {
      class: 'c2-server',
      confidence: 5,
      name: 'n',
      description: 'd',
      labels: ['l'],
      validUntil: '2030-01-01T00:00:00.000Z',
      firstSeen: '2026-01-01T00:00:00.000Z',
      lastSeen: '2026-02-01T00:00:00.000Z',
    },
  )
  await node.plant(handling('lacnic', { tlp: 'clear' }), { type: 'url', value: `http://[${value}]/x` })
  await node.context.database.client.query("insert into constituency values ('lacnic', 'country', 'UY')")
  const profile = {
    ...{
      tlp: 'red',
      pap: 'red',
      audience: ['lacnic'],
      people: ['admin.lacnic'],
      releasableTo: ['UY'],
      notReleasableTo: ['XK'],
    },
    ...{ lawEnforcement: 'never', personalData: true, attribution: 'named', expiresAt: '2030-01-01T00:00:00.000Z' },
  }
  await node.context.database.client.query("insert into handling_profile values ('lacnic', 'n', $1, now())", [
    JSON.stringify(profile),
  ])
  const jwk = JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x: 'x' })
  await node.context.database.client.query(
    "insert into client_key (id, account, name, thumbprint, jwk, scopes) values ('0123456789ab', 'admin.lacnic', 'n', 't', $1, '{read}')",
    [jwk],
  )
  await node.context.database.client.query(
    "insert into external_identity (id, issuer, subject, account, scopes) values ('0123456789ab', 'i', 's', 'admin.lacnic', '{read}')",
  )
  await node.context.database.client.query(
    "insert into blocklist (id, account, name, filter) values ('list-0123456789ab', 'admin.lacnic', 'n', '{}')",
  )
  await node.context.database.client.query(
    "insert into blocklist_key (id, blocklist, digest) values ('0123456789ab', 'list-0123456789ab', '')",
  )
  await node.context.database.client.query(
    "insert into warninglist values ('l', 1, 'd', 'False positive', 'cidr', '{}', '{3fff::/20}')",
  )
  await node.context.database.client.query(
    `insert into webhook_subscription (id, account, credential_kind, credential, purpose, name, url, filter, own_system, batch, secret, created_at,
       paused_reason, paused_at)
     values ('${subscription}', 'admin.lacnic', 'key', 'x', 'defence', 'n', 'https://soc.example/', '{}', true, 1, '', now(), 'gone', now())`,
  )
  await node.context.database.client.query(
    `insert into webhook_delivery (id, subscription, number, steps, feed_epoch, cursor, created_at, dead_at, dead_reason)
     values ('msg_0', '${subscription}', 1, '[]', gen_random_uuid(), '', now(), now(), 'status 500')`,
  )
  const request = '00000000-0000-4000-8000-000000000002'
  await node.context.database.client.query(
    `insert into legal_request (id, liaison, instrument, citation, authority, case_reference, offence, requesting_jurisdiction,
       facts, necessity, scope, named, state, filed_at, expires_at)
     values ('${request}', 'ignacio.policia-cl', 'mla', 'x', 'x', 'x', 'fraud', 'CL', 'x', 'x', '{"originators":["lacnic"]}', '{lacnic}',
       'filed', now(), '2030-01-01')`,
  )
  await node.context.database.client.query(
    `insert into legal_request_step (request, ordinal, step, at) values ('${request}', 0, 'draft', now())`,
  )
  const peer = '00000000-0000-4000-8000-000000000004'
  const { client } = node.context.database
  await client.query(
    `insert into peer values ('${peer}', 'n', 'https://n.example', 'both', 'active', now(), 1, 8000000000, now())`,
  )
  await client.query(
    `insert into peer_key values ('${'k'.repeat(43)}', '${peer}', $1, now(), now(), '${'e'.repeat(43)}', now(), now())`,
    [jwk],
  )
  await client.query(
    `insert into peer_state (peer, last_page_at, last_attempt_at, last_outcome, failing_since, not_before, last_asked_at,
       witnessed_size, witnessed_at)
     values ('${peer}', now(), now(), 'page', now(), now(), now(), 1, now())`,
  )
  await client.query(
    `insert into checkpoint values ('\\x01', '${peer}', '${peer}', 1, '\\x01', 'k', 1, '\\x01', now(), now(), '{}', null, now(), true, false)`,
  )
  await client.query(
    `insert into peer_finding (node, kind, detail, digests, entries, seen_from, at, settled_at)
     values ('${peer}', 'two_roots', 'd', 'x', '[]', '${peer}', now(), now())`,
  )
  await client.query(`insert into peer_community (community, peer) select id, '${peer}' from community limit 1`)
  await client.query(`insert into peer_count values ('${peer}', 'refused', 'loop', 1, now())`)
  await client.query(
    `insert into quarantine (id, peer, originator, item, version, code, detail, bytes, retry_at, at)
     overriding system value values (1, '${peer}', 'cert-br', 'x', 1, 'loop', 'd', 1, now(), now())`,
  )
  await client.query(
    `insert into widening_request values ('${request}', 'csirt-cl', null, '${peer}', null, 'lacnic', $1, 1, true,
       '{"tlp":"green","audience":["csirt-cl"],"releasableTo":["UY"],"lawEnforcement":"allowed"}', 'r', 'accepted', now(), now(), 'n', 2, 'f')`,
    [id.slice('indicator--'.length)],
  )
  const object = await node.plantObject(handling('lacnic', { tlp: 'clear' }), { type: 'tool', name: 'n' })
  await node.context.database.client.query(
    `insert into export (id, request, account, position, state) values ('${request}', '${request}', 'ignacio.policia-cl', 0, 'ready')`,
  )
  await node.context.database.client.query(
    `insert into export (id, request, account, position, state, downloaded_at)
     values ('00000000-0000-4000-8000-000000000003', '${request}', 'ignacio.policia-cl', 0, 'downloaded', now())`,
  )
  await node.context.database.client.query(
    `insert into export_item (export, ordinal, originator, stix_id, version, handling_id)
     values ('00000000-0000-4000-8000-000000000003', 0, 'lacnic', gen_random_uuid(), 1, 1)`,
  )
  await node.context.database.client.query(
    `insert into claw_back (export, ordinal, recalled_at) values ('00000000-0000-4000-8000-000000000003', 0, now())`,
  )
  const kept = '00000000-0000-4000-8000-000000000004'
  await node.context.database.client.query(
    `insert into legal_request (id, liaison, instrument, citation, authority, case_reference, offence, requesting_jurisdiction,
       facts, necessity, scope, named, state, filed_at, expires_at)
     values ('${kept}', 'ignacio.policia-cl', 'budapest-16-29', 'x', 'x', 'x', 'fraud', 'CL', 'x', 'x', '{"originators":["lacnic"]}',
       '{lacnic}', 'approved', now(), '2030-01-01')`,
  )
  await node.context.database.client.query(
    `insert into hold (request, organisation, began_at, ends_at) values ('${kept}', 'policia-cl', now(), '2030-01-01')`,
  )
  await node.context.database.client.query('insert into retention_rule (ordinal, after_recall_days) values (0, 1)')
  const amber = await node.plant(handling('lacnic', { tlp: 'amber', organisations: ['cert-br'] }), {
    type: 'url',
    value: `http://[${value}]/y`,
  })
  const asking = `from indicator where stix_id = '${amber.slice('indicator--'.length)}'`
  await node.context.database.client.query(
    `insert into assistance (id, kind, asker, addressee, state, due_at, version, created_at, handling_id, answer_handling_id)
     select '${request}', 'takedown', 'lacnic', 'cert-br', 'asked', '2030-01-01', 1, now(), handling_id, handling_id ${asking}`,
  )
  await node.context.database.client.query(
    `insert into assistance_step (assistance, ordinal, step, side, account, handling_id, text, at)
     select '${request}', 0, 'ask', 'asker', 'admin.lacnic', handling_id, 'x', now() ${asking}`,
  )
  await node.context.database.client.query(
    `insert into reply (id, originator, stix_id, replier, handling_id, created_at)
     select '${request}', 'cert-br', stix_id, 'lacnic', handling_id, now() ${asking}`,
  )
  await node.context.database.client.query(
    `insert into reply_message (reply, ordinal, side, account, handling_id, text, at)
     select '${request}', 0, 'replier', 'admin.lacnic', handling_id, 'x', now() ${asking}`,
  )
  await node.context.database.client.query(
    `insert into attribution_request (id, account, organisation, originator, stix_id, alias, reason, state, created_at, expires_at)
     select '${request}', 'admin.lacnic', 'lacnic', 'cert-br', stix_id, 'source-0', 'x', 'approved', now(), now() ${asking}`,
  )
  await node.context.database.client.query(
    `insert into attribution_request_step (request, ordinal, step, side, account, note, at)
     values ('${request}', 0, 'ask', 'requester', 'admin.lacnic', '', now())`,
  )
  // Not for administrators.
  const officers = ['legalRequests', 'legalRequest', 'preservations', 'clawBacks', 'figures', 'exports', 'export']
  const arguments_: Record<string, string> = {
    figures: 'year: 2026',
    exports: `request: "${request}"`,
    export: `id: "${request}"`,
    legalRequest: `id: "${request}"`,
    assistance: `id: "${request}"`,
    assistanceList: 'limit: 5',
    reply: `id: "${request}"`,
    replies: 'limit: 5',
    attributionRequest: `id: "${request}"`,
    attributionRequests: 'limit: 5',
    legalRequests: 'limit: 5',
    webhook: `id: "${subscription}"`,
    deadLetters: `webhook: "${subscription}"`,
    indicators: 'first: 1',
    stixObjects: 'first: 1',
    stixObject: `id: "${object}"`,
    stixObjectVersions: `id: "${object}"`,
    changes: 'first: 1',
    indicator: `id: "${id}"`,
    explain: `id: "${id}"`,
    history: `id: "${id}"`,
    observations: `id: "${id}"`,
    sightings: `id: "${id}"`,
    provenance: `id: "${id}"`,
    holders: `id: "${id}"`,
    wideningRequest: `id: "${request}"`,
    peer: `id: "${peer}"`,
    quarantined: 'id: "1"',
    related: `id: "${id}", limit: 2`,
    organisation: 'id: "lacnic"',
    lookup: `values: [{ value: "${value}" }, { value: "?" }]`,
    checkWarninglists: `values: [{ value: "${value}" }]`,
    node: `id: "${Buffer.from('Organisation:lacnic').toString('base64url')}"`,
    keys: 'account: "admin.lacnic"',
    clientKeys: 'account: "admin.lacnic"',
    identities: 'account: "admin.lacnic"',
    constituency: 'organisation: "lacnic"',
    accounts: 'organisation: "lacnic"',
  }
  // Lists of unknown length cost by their assumed one.
  const shallow: Record<string, number> = { organisations: 0, clients: 1, accounts: 1, communities: 1 }
  const asked = new Set<string>()
  for (const field of Object.values(schema.getQueryType()?.getFields() ?? {})) {
    const query = `{ ${field.name} ${arguments_[field.name] === undefined ? '' : `(${arguments_[field.name]})`} ${selection(field, shallow[field.name] ?? 3, asked)} }`
    const { body } = await node.call(officers.includes(field.name) ? 'policy.lacnic' : 'admin.lacnic', {
      method: 'POST',
      url: '/graphql',
      headers: { 'content-type': 'application/json' },
      payload: JSON.stringify({ query }),
    })
    t.equal(body.errors, undefined, `${field.name} ${JSON.stringify(body.errors)}`)
    t.ok(body.data?.[field.name] !== null && body.data?.[field.name]?.length !== 0, `${field.name} has an answer`)
  }
  const readable = objects.filter(
    ({ name }) =>
      ![
        'Mutation',
        'Subscription',
        'LiveFeed',
        'Receipt',
        'IssuedKey',
        'IssuedListKey',
        'RotatedKey',
        'Recalled',
        'RecalledStixObject',
        'Membership',
        'ObservationTotals',
        'Sighted',
        'CreatedWebhook',
        'RotatedSecret',
        'Pinged',
        'Pulled',
        'ReleasedFromQuarantine',
        'RotatedNodeKey',
      ].includes(name),
  )
  const expected = readable.flatMap((type) => fieldsOf(type.name).map((field) => `${type.name}.${field}`))
  t.strictSame(
    expected.filter((field) => !asked.has(field) && !field.startsWith('Query.')),
    [],
    'no field went unasked',
  )
})

/** Everything below a field, as deep as said, but for what costs much on every item of a list. */
function selection(field: GraphQLField<unknown, unknown>, depth: number, asked: Set<string>): string {
  const type = getNamedType(field.type)
  if (isLeafType(type)) return ''
  if (!isObjectType(type)) return '{ id }'
  const parts = Object.values((type as GraphQLObjectType).getFields()).flatMap((each) => {
    if (each.args.some(isRequiredArgument)) return []
    if (isLeafType(getNamedType(each.type)) || depth > 0) {
      asked.add(`${type.name}.${each.name}`)
      const below = selection(each, depth - 1, asked)
      return below === '{  }' ? [] : [`${each.name} ${below}`]
    }
    return []
  })
  return `{ ${parts.join(' ')} }`
}
