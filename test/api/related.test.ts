import fc from 'fast-check'
import t from 'tap'
import type { Draft } from '../../src/domain/draft.ts'
import type { Handling } from '../../src/domain/handling.ts'
import { parseObservable } from '../../src/domain/observables/parse.ts'
import { relatedPlaces } from '../../src/domain/related.ts'
import { type TestNode, testNode } from '../node.ts'
import { ask, dataOf, errorsOf, handling, statements, statementsOf } from './graphql.ts'

t.setTimeout(300_000)

const green = handling('cert-br', { tlp: 'green' })
const secret = handling('colcert', { tlp: 'red', people: ['carlos.colcert'] })

/** What is related, as `relation value`, in the order in which it is listed. */
async function related(node: TestNode, account: string, id: string, query = ''): Promise<string[]> {
  const { status, body } = await node.call(account, { method: 'GET', url: `/v1/indicators/${id}/related${query}` })
  if (status !== 200) return [body.code]
  return body.related.map(
    ({ relation, indicator }: { relation: string; indicator: { value: string } }) => `${relation} ${indicator.value}`,
  )
}

const plant = (node: TestNode, type: string, value: string, of: Handling = green, more?: Partial<Draft>) =>
  node.plant(of, { type, value }, more)

t.test('where to look: by value, by what is around, inside and beside', async (t) => {
  const places = (type: string, value: string) => {
    const observable = parseObservable(type, value)
    const { containing: _, value: __, ...rest } = relatedPlaces({ ...observable, observables: [observable] })
    return rest
  }
  t.strictSame(places('ipv4-address', '192.0.2.7'), {
    exact: ['ip:192.0.2.7'],
    networks: [
      { relation: 'member', range: '192.0.2.7/32' },
      { relation: 'neighbour', range: '192.0.2.0/24', except: '192.0.2.7/32' },
    ],
    names: [],
  })
  t.strictSame(places('ipv6-address', '2001:db8:1:2::7').networks[1], {
    relation: 'neighbour',
    range: '2001:db8:1::/48',
    except: '2001:db8:1:2::7/128',
  })
  t.strictSame(places('ip-port', '192.0.2.7:443').networks, [{ relation: 'neighbour', range: '192.0.2.0/24' }])
  t.strictSame(places('ipv4-prefix', '192.0.0.0/16').networks, [{ relation: 'member', range: '192.0.0.0/16' }])
  t.strictSame(places('ipv4-prefix', '192.0.0.0/15').networks, [], 'too wide to be listed')
  t.strictSame(places('domain-name', 'example.com').names, [{ relation: 'member', range: 'com.example' }])
  t.strictSame(places('url', 'https://a.b.example.com/x').names, [{ relation: 'neighbour', range: 'com.example' }])
  t.strictSame(places('domain-name', 'co.uk').names, [], 'a public suffix is nobody’s')
  t.strictSame(places('email-address', 'x@example.com').names, [], 'mailboxes of one provider are no neighbours')
  t.strictSame(places('port', '443').exact, [], 'what does not correlate')
})

t.test('addresses: the same, prefixes around, what is at it, the /24, the AS', async (t) => {
  const node = await testNode(t)
  const id = await plant(node, 'ipv4-address', '200.160.2.3')
  await plant(node, 'ipv4-address', '200.160.2.3', { ...green, originator: 'csirt-cl' })
  await plant(node, 'ipv4-prefix', '200.160.0.0/20')
  await plant(node, 'url', 'http://200.160.2.3/x')
  await plant(node, 'ipv4-address', '200.160.2.9')
  await plant(node, 'ipv4-prefix', '200.160.2.128/25')
  await plant(node, 'ipv4-address', '200.160.3.9')
  await plant(node, 'ipv4-address', '192.0.2.1')
  const observables = [parseObservable('md5', 'a'.repeat(32)), parseObservable('ipv4-address', '200.160.2.3')] as const
  await plant(node, 'md5', 'a'.repeat(32), green, { observables, compound: true })
  const found = await related(node, 'diego.csirt-cl', id)
  const kinds = (kind: string) => found.filter((each) => each.startsWith(kind)).map((each) => each.split(' ')[1])
  t.strictSame(kinds('same-value'), ['a'.repeat(32), '200.160.2.3'], 'as one observable of several, too')
  t.strictSame(kinds('container'), ['200.160.0.0/20'])
  t.strictSame(kinds('member'), ['http://200.160.2.3/x'])
  t.strictSame(kinds('neighbour'), ['200.160.2.128/25', '200.160.2.9'], 'the newest first')
  t.strictSame(kinds('same-asn'), ['200.160.3.9'], 'what is listed already is not listed again')
  t.equal(found.length, 7)
})

t.test('prefixes, names and URLs', async (t) => {
  const node = await testNode(t)
  const prefix = await plant(node, 'ipv6-prefix', '2001:db8:5::/48')
  await plant(node, 'ip-port', '[2001:db8:5::1]:443')
  await plant(node, 'ipv6-prefix', '2001:db8::/32')
  t.strictSame(await related(node, 'diego.csirt-cl', prefix), ['container 2001:db8::/32', 'member [2001:db8:5::1]:443'])
  const [name, url] = [
    await plant(node, 'domain-name', 'a.evil.example.com'),
    await plant(node, 'url', 'http://a.evil.example.com/x'),
  ]
  await plant(node, 'domain-name', 'example.com')
  await plant(node, 'hostname', 'b.example.com')
  await plant(node, 'hostname', 'c.a.evil.example.com')
  await plant(node, 'domain-name', 'notexample.com')
  t.strictSame(await related(node, 'diego.csirt-cl', name), [
    'container example.com',
    'member c.a.evil.example.com',
    'member http://a.evil.example.com/x',
    'neighbour b.example.com',
  ])
  t.strictSame(await related(node, 'diego.csirt-cl', url), [
    'container example.com',
    'container a.evil.example.com',
    'neighbour c.a.evil.example.com',
    'neighbour b.example.com',
  ])
})

t.test('what is masked is found by its whole value alone, and finds nothing itself', async (t) => {
  const node = await testNode(t)
  const personal = handling('cert-br', {
    tlp: 'amber',
    communities: ['lac-csirts'],
    personalData: true,
    maskable: true,
  })
  const open = handling('csirt-ar', { tlp: 'green', personalData: true, maskable: true })
  const masked = await plant(node, 'email-address', 'someone@evil.example.com', personal)
  const whole = await plant(node, 'email-address', 'someone@evil.example.com', open)
  await plant(node, 'domain-name', 'evil.example.com')
  await plant(node, 'domain-name', 'x.evil.example.com', { ...personal, maskable: true })
  const digest = (await node.call('sofia.csirt-ar', { method: 'GET', url: `/v1/indicators/${masked}` })).body.value
  t.strictSame(await related(node, 'sofia.csirt-ar', whole), [`same-value ${digest}`, 'container evil.example.com'])
  t.strictSame(await related(node, 'sofia.csirt-ar', masked), [])
  const domain = await plant(node, 'domain-name', 'y.evil.example.com', handling('csirt-ar', { tlp: 'clear' }))
  t.strictSame(
    await related(node, 'sofia.csirt-ar', domain),
    ['container evil.example.com', 'neighbour someone@evil.example.com'],
    'nor beside anything: only what it may see whole',
  )
})

t.test('recalled ones are not listed, and of hidden ones nothing is told', async (t) => {
  const node = await testNode(t)
  const id = await plant(node, 'domain-name', 'evil.example.com')
  const other = await plant(node, 'domain-name', 'evil.example.com', handling('csirt-cl', { tlp: 'green' }))
  const hidden = await plant(node, 'domain-name', 'evil.example.com', secret)
  t.strictSame(await related(node, 'sofia.csirt-ar', id), ['same-value evil.example.com'])
  t.strictSame(await related(node, 'sofia.csirt-ar', hidden), ['not_found'])
  t.strictSame(await related(node, 'sofia.csirt-ar', 'x'), ['not_found'])
  t.strictSame((await related(node, 'carlos.colcert', hidden)).length, 2)
  await node.call('camila.csirt-cl', {
    method: 'POST',
    url: `/v1/indicators/${other}/recall`,
    headers: { 'content-type': 'application/json' },
    payload: '{"reason":"wrong"}',
  })
  t.strictSame(await related(node, 'sofia.csirt-ar', id), [])
  t.strictSame(await related(node, 'camila.csirt-cl', id), [], 'for its originator neither')
  for (const query of ['?limit=0', '?limit=51', '?limit=x', '?limit=1&limit=2']) {
    t.strictSame(await related(node, 'sofia.csirt-ar', id, query), ['invalid_request'], query)
  }
})

t.test('limits are filled from what is visible, however much is hidden between', async (t) => {
  const node = await testNode(t)
  const at = (n: number) => `192.0.2.${n}`
  const id = await plant(node, 'ipv4-address', at(1))
  for (let n = 2; n < 60; n++) await plant(node, 'ipv4-address', at(n), n % 3 === 0 ? green : secret)
  for (const originator of ['csirt-cl', 'csirt-ar', 'rede-sul', 'red-andina', 'uni-ar']) {
    await plant(node, 'ipv4-address', at(1), { ...secret, originator })
    await plant(node, 'ipv4-address', at(1), handling(originator, { tlp: 'clear' }))
  }
  const expected = Array.from({ length: 58 }, (_, i) => 59 - i).filter((n) => n % 3 === 0 && n > 1)
  for (const limit of [1, 3, 10, 50]) {
    const found = await related(node, 'diego.csirt-cl', id, `?limit=${limit}`)
    t.strictSame(found, [
      ...Array.from({ length: Math.min(limit, 5) }, () => `same-value ${at(1)}`),
      ...expected.slice(0, limit).map((n) => `neighbour ${at(n)}`),
    ])
  }
})

/** Rows of a value that only their originator may see, straight into the table. */
async function heap(node: TestNode, from: string, count: number, handlings: number): Promise<void> {
  const { client } = node.context.database
  await client.query(
    `insert into handling (id, digest, originator, body)
     select (select max(id) from handling) + n, sha256(n::text::bytea), originator, replace(body, '"pap":"green"', '"pap":"red","expiresAt":"' || to_char(timestamptz '2027-01-01' + n * interval '1 day', 'YYYY-MM-DD"T00:00:00.000Z"') || '"')
     from handling h, generate_series(1, $2::integer) n where h.id = (select handling_id from indicator where stix_id = $1)`,
    [from.slice('indicator--'.length), handlings],
  )
  await client.query(
    `insert into indicator select originator, gen_random_uuid(), version, (select max(id) from handling) - n % $3, type, value, value_key, compound,
       network, domain_reversed, asn, country, class, confidence, name, description, labels, valid_from, valid_until, first_seen,
       last_seen, created, modified, recalled, format, stix, received, digest, position + 1000000 + n, date_added
     from indicator i, generate_series(1, $2::integer) n where i.stix_id = $1`,
    [from.slice('indicator--'.length), count, handlings],
  )
  await client.query('analyze indicator')
}

interface Plan {
  readonly Plans?: readonly Plan[]
  readonly [name: string]: unknown
}

/** Rows that a plan read and dropped. */
const removed = (plan: Plan): number =>
  Object.entries(plan)
    .filter(([name]) => name.startsWith('Rows Removed'))
    .reduce((sum, [, rows]) => sum + Number(rows) * Number(plan['Actual Loops']), 0) +
  (plan.Plans ?? []).reduce((sum, below) => sum + removed(below), 0)

t.test('ten thousand hidden rows of one value and AS slow nobody', async (t) => {
  const node = await testNode(t)
  const id = await plant(node, 'ipv4-address', '200.160.2.3')
  await plant(node, 'ipv4-address', '200.160.2.3', { ...green, originator: 'csirt-cl' })
  await plant(node, 'ipv4-address', '200.160.9.9')
  const hidden = await plant(node, 'ipv4-address', '200.160.2.3', secret)
  const expected = ['same-value 200.160.2.3', 'same-asn 200.160.9.9']
  t.strictSame(await related(node, 'diego.csirt-cl', id), expected)
  await heap(node, hidden, 10_000, 20)
  t.strictSame(await related(node, 'diego.csirt-cl', id), expected)
  const { rows } = await node.context.database.client.query(
    "select count(*)::int as n from indicator where host(network) = '200.160.2.3'",
  )
  t.equal(rows[0]?.n, 10_003)
  // What is read says more than a clock on a busy machine: rows of hidden handlings are not even looked at.
  const asked = await statementsOf(() => related(node, 'diego.csirt-cl', id))
  const byKey = asked.filter(({ text }) => text.includes('with recursive'))
  t.equal(byKey.length, 3, 'by value, by what is around it, by AS')
  for (const { text, values } of byKey) {
    const { rows } = await node.context.database.client.query(`explain (analyze, format json) ${text}`, [...values])
    const dropped = removed(rows[0]?.['QUERY PLAN'][0].Plan)
    t.ok(dropped < 200, `${dropped} rows were read for nothing`)
  }
  const began = performance.now()
  for (let n = 0; n < 10; n++) await related(node, 'diego.csirt-cl', id)
  t.comment(`${Math.round((performance.now() - began) / 10)} ms each`)
  t.ok(performance.now() - began < 10_000, `${Math.round(performance.now() - began)} ms for ten`)
})

t.test('GraphQL lists the same, for a page by a constant number of statements', async (t) => {
  const node = await testNode(t)
  for (let n = 1; n <= 60; n++) {
    await plant(node, 'ipv4-address', `192.0.2.${n}`, n % 2 === 0 ? green : { ...green, attribution: 'anonymous' })
  }
  const id = await plant(node, 'domain-name', 'evil.example.com')
  await plant(node, 'url', 'http://evil.example.com/', { ...green, originator: 'csirt-cl' })
  const one = await dataOf(
    node,
    'diego.csirt-cl',
    'query ($id: ID!) { related(id: $id, limit: 1) { relation indicator { value originator { slug } sightings { seen { count } } } } }',
    { id },
  )
  t.strictSame(one.related, [
    {
      relation: 'MEMBER',
      indicator: {
        value: 'http://evil.example.com/',
        originator: { slug: 'csirt-cl' },
        sightings: { seen: { count: 0 } },
      },
    },
  ])
  t.equal((await dataOf(node, 'anonymous', 'query ($id: ID!) { related(id: $id) { relation } }', { id })).related, null)
  for (const limit of [0, 51]) {
    t.strictSame(
      errorsOf(await ask(node, 'diego.csirt-cl', `{ related(id: "${id}", limit: ${limit}) { relation } }`)),
      ['related invalid_request'],
    )
    t.strictSame(
      errorsOf(
        await ask(node, 'diego.csirt-cl', `{ indicator(id: "${id}") { related(limit: ${limit}) { relation } } }`),
      ),
      ['indicator.related invalid_request'],
    )
  }
  const page = `query ($first: Int!) { indicators(first: $first, filter: { type: "ipv4-address" }) { edges { node { value few: related(limit: 2) { indicator { value } } more: related(limit: 5) { relation } } } } }`
  for (let n = 0; n < 5; n++) await dataOf(node, 'diego.csirt-cl', page, { first: 5 })
  const [five, sixty] = [
    await statements(() => dataOf(node, 'diego.csirt-cl', page, { first: 5 })),
    await statements(() => dataOf(node, 'diego.csirt-cl', page, { first: 60 })),
  ]
  // The audit log is written meanwhile, or is not.
  t.ok(sixty.count <= five.count + 6, `${five.count}, ${sixty.count} statements`)
  const [first] = sixty.result.indicators.edges
  t.equal(first.node.value, '192.0.2.60')
  t.strictSame(first.node.few, [{ indicator: { value: '192.0.2.59' } }, { indicator: { value: '192.0.2.58' } }])
  t.equal(first.node.more.length, 5)
})

/** Small worlds of values that are often related. */
const values = fc.oneof(
  fc.integer({ min: 0, max: 40 }).map((n) => ['ipv4-address', `200.160.${n >> 3}.${n & 7}`] as const),
  fc.constantFrom(
    ['ipv4-prefix', '200.160.0.0/22'] as const,
    ['ipv4-prefix', '200.160.0.0/30'] as const,
    ['url', 'http://200.160.0.1/'] as const,
  ),
  fc
    .constantFrom('example.com', 'a.example.com', 'b.a.example.com', 'c.example.com', 'example.net')
    .map((name) => ['domain-name', name] as const),
)

t.test('in random worlds a reader is told what it would be if nothing hidden were there', async (t) => {
  const of = fc.constantFrom(
    green,
    handling('csirt-cl', { tlp: 'clear' }),
    secret,
    handling('csirt-ar', { tlp: 'amber', organisations: ['csirt-ar'] }),
  )
  const world = fc.array(fc.record({ value: values, of }), { minLength: 5, maxLength: 25 })
  let compared = 0
  const [all, visible] = [await testNode(t), await testNode(t)]
  await fc.assert(
    fc.asyncProperty(world, fc.integer({ min: 1, max: 4 }), async (rows, limit) => {
      for (const node of [all, visible])
        await node.context.database.client.query('truncate indicator, indicator_observable, indicator_version')
      const ids: string[] = []
      for (const [n, { value, of }] of rows.entries()) {
        const id = { id: `indicator--00000000-0000-4000-8000-${String(n).padStart(12, '0')}` }
        const shown = of.tlp === 'clear' || of.tlp === 'green'
        await plant(all, value[0], value[1], of, id)
        if (shown) ids.push(await plant(visible, value[0], value[1], of, id))
      }
      for (const id of ids) {
        const [a, b] = [
          await related(all, 'diego.csirt-cl', id, `?limit=${limit}`),
          await related(visible, 'diego.csirt-cl', id, `?limit=${limit}`),
        ]
        if (JSON.stringify(a) !== JSON.stringify(b)) throw new Error(`${id}: ${a} for ${b}`)
        compared += a.length
      }
    }),
    { numRuns: 20 },
  )
  t.ok(compared > 150, `${compared} related`)
})
