import { TaxiiClient } from '../../taxii.ts'
import { type Doors, followed, get, type Planted, readOnce, type Seen } from './seen.ts'

/** Where STIX objects are read. */
export const objectsDoors: Doors = {
  'GET /v1/objects': async (node, planted) => {
    const found = await readOnce(planted, 'objects', async () => {
      const all = new Map<string, StixMembers>()
      for (let url = '/v1/objects?limit=1000&type=report&type=relationship'; url !== ''; ) {
        const { headers, body } = await get(node, planted.row, url)
        for (const { id, object } of body.items) all.set(id, object)
        url = /<([^>]+)>; rel="next"/.exec(String(headers.link ?? ''))?.[1] ?? ''
      }
      return all
    })
    return seenOfObjects(planted, found, ['ofIndicator', 'ofObject', 'report'])
  },
  'GET /v1/objects as STIX': async (node, planted) => {
    const found = await readOnce(planted, 'objects as STIX', async () => {
      const { text } = await get(node, planted.row, '/v1/objects?format=stix&limit=1000&type=tool')
      const bundle: { objects?: StixMembers[] } = JSON.parse(text)
      return new Map(bundle.objects?.map((each) => [each.id, each]))
    })
    return seenOfObjects(planted, found, ['object', 'open'])
  },
  'GET /v1/objects/{id}': async (node, planted) => {
    const found = new Map<string, StixMembers>()
    for (const id of objectsOf(planted)) {
      const { status, body } = await get(node, planted.row, `/v1/objects/${id}`)
      if (status === 200) found.set(id, body.object)
      else if (status !== 404) throw new Error(`${status}`)
    }
    return seenOfObjects(planted, found)
  },
  'stixObjects over /graphql': async (node, planted) => {
    const { body } = await node.call(planted.row.reader, {
      method: 'POST',
      url: '/graphql',
      headers: { 'content-type': 'application/json', 'puente-purpose': planted.row.purpose },
      payload: JSON.stringify({
        query: `query ($o: ID!, $r: ID!) {
          stixObject(id: $o) { stixId stix } report: stixObject(id: $r) { stixId stix } stixObjectVersions(id: $o) { version }
        }`,
        variables: { o: planted.object, r: planted.report },
      }),
    })
    const { stixObject, report, stixObjectVersions } = body.data
    if ((stixObject === null) !== (stixObjectVersions === null)) throw new Error('GraphQL disagrees with itself')
    const told = [stixObject, report].filter((each) => each !== null)
    return seenOfObjects(planted, new Map(told.map(({ stixId, stix }) => [stixId, JSON.parse(stix)])), [
      'object',
      'report',
    ])
  },
  'GET /v1/objects/{id}/versions': async (node, planted) => {
    const found = new Map<string, StixMembers>()
    for (const id of objectsOf(planted)) {
      const { status, body } = await get(node, planted.row, `/v1/objects/${id}/versions`)
      if (status === 200) found.set(id, body.items[0].object)
      else if (status !== 404) throw new Error(`${status}`)
    }
    return seenOfObjects(planted, found)
  },
  'GET /taxii2/node/collections/{collection}/objects/': async (node, planted) => {
    const { row, value, id } = planted
    const client = new TaxiiClient(node, row.reader, row.purpose)
    const { path, all, others } = await readOnce(planted, 'TAXII', async () => {
      const path = await client.collection(row.reader === 'anonymous' ? 'public' : 'all')
      const others = new Map<string, readonly { readonly id: string }[]>()
      for (const { alias } of (await client.ask('/taxii2/node/collections/')).body.collections)
        others.set(alias, await client.objects(`/taxii2/node/collections/${alias}/`))
      return { path, all: await client.objects(path), others }
    })
    const one = (await client.ask(`${path}objects/${id}/`)).body.objects ?? []
    const listed = all.filter((each) => each.id === id)
    if (JSON.stringify(listed) !== JSON.stringify(one)) throw new Error('a page and an object disagree')
    const inManifest = (await client.ask(`${path}manifest/`, { 'match[id]': id })).body.objects ?? []
    if (inManifest.length !== listed.length) throw new Error('a page and a manifest disagree')
    for (const [alias, objects] of others)
      if (objects.filter((each) => each.id === id).length > listed.length)
        throw new Error(`${alias} has more than may be seen`)
    const items = listed.map(({ pattern = '' }) => ({
      value: pattern.includes(`'${value}'`) ? value : '',
      masked: pattern.includes('x-puente-masked'),
    }))
    return followed(row, items, value)
  },
}

type StixMembers = { readonly id: string; readonly object_refs?: readonly string[] }

const objectsOf = ({ object, open, ofIndicator, ofObject, report }: Planted) => [
  object,
  open,
  ofIndicator,
  ofObject,
  report,
]

/** What an object under the case's handling, and what is made of it, say together; anything but their one meaning is an error. */
function seenOfObjects(
  planted: Planted,
  found: ReadonlyMap<string, StixMembers>,
  asked: readonly ('object' | 'open' | 'ofIndicator' | 'ofObject' | 'report')[] = [
    'object',
    'open',
    'ofIndicator',
    'ofObject',
    'report',
  ],
): Seen {
  const { effect } = planted.row.expect
  // An indicator that is masked is there; an object has no masked form.
  const expected = {
    object: effect === 'permit',
    ofObject: effect === 'permit',
    ofIndicator: effect !== 'deny',
    open: true,
    report: true,
  }
  for (const each of asked)
    if (found.has(planted[each]) !== expected[each]) throw new Error(`${each}: ${!expected[each]}`)
  if (!asked.includes('report')) return effect
  const { id, object, open, report } = planted
  const refs = [open, ...(effect === 'permit' ? [object] : []), ...(effect === 'deny' ? [] : [id])]
  const told = found.get(report)?.object_refs
  if (JSON.stringify(told) !== JSON.stringify(refs)) throw new Error(`a report about ${told}, not ${refs}`)
  return effect
}
