import type { Test } from 'tap'
import t from 'tap'
import { runExports } from '../../src/actions/index.ts'
import type { Handling } from '../../src/domain/handling.ts'
import type { LegalGrant } from '../../src/domain/reader.ts'
import { readZip } from '../../src/formats/export-zip.ts'
import { decide } from '../../src/policy/decide.ts'
import { plantEvent } from '../misp-events.ts'
import { type Answer, freshAddress, type TestNode, testNode } from '../node.ts'
import { loadCases, loadWorld, type PolicyCase, readerOf, worldOf } from '../policy/cases.ts'
import { EventClient } from '../sse.ts'
import { Subscriber } from '../subscriber.ts'
import { TaxiiClient } from '../taxii.ts'
import { deliveredTo, Receiver } from '../webhooks.ts'
import { handling } from './graphql.ts'

interface Planted {
  readonly row: PolicyCase
  readonly id: string
  readonly value: string
  /** Id of something that everybody may see, related to it where it is no mailbox; no search for the value finds it. */
  readonly beside: string
  /** A STIX object under the same handling, without a masked form. */
  readonly object: string
  /** Under a handling that everybody may see: ties of the indicator and of the object to `open`, and a report about them all. */
  readonly open: string
  readonly ofIndicator: string
  readonly ofObject: string
  readonly report: string
  /** UUID of an event of MISP that it is the only attribute of; the event itself is anybody's. */
  readonly event: string
}

/** What a door shows of one indicator: as it is, masked, or nothing. A door may be closed to a reader whatever it may see. */
type Seen = 'permit' | 'redact' | 'deny' | 'closed'

/** What webhooks are sent to; there is one as soon as the cases run. */
let endpoint = new Receiver()

/** Each way in which a reader can meet an indicator. */
const doors: Readonly<Record<string, (node: TestNode, planted: Planted) => Promise<Seen>>> = {
  'GET /v1/indicators': async (node, { row, value }) => {
    const { body } = await get(node, row, `/v1/indicators?value=${encodeURIComponent(value)}&status=active`)
    return seen(body.items, value)
  },
  'GET /v1/indicators as NDJSON': async (node, { row, value }) => {
    const answer = await get(node, row, `/v1/indicators?format=ndjson&value=${encodeURIComponent(value)}`)
    return seen(
      answer.text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line)),
      value,
    )
  },
  'GET /v1/indicators as STIX': async (node, { row, value, id }) => {
    const { text } = await get(node, row, `/v1/indicators?format=stix&value=${encodeURIComponent(value)}`)
    const bundle = JSON.parse(text)
    const object = (bundle.objects ?? []).find((each: { id: string }) => each.id === id)
    if (object === undefined) return 'deny'
    return text.includes(value) ? 'permit' : 'redact'
  },
  'GET /v1/indicators as CSV': async (node, { row, value, id }) => {
    const { text } = await get(node, row, `/v1/indicators?format=csv&value=${encodeURIComponent(value)}`)
    if (!text.includes(id)) return 'deny'
    return text.includes(value) ? 'permit' : 'redact'
  },
  'GET /v1/indicators as IntelMQ': async (node, { row, value, id }) => {
    const { text } = await get(node, row, `/v1/indicators?format=intelmq&value=${encodeURIComponent(value)}`)
    if (!text.includes(id)) return 'deny'
    return text.includes(value) ? 'permit' : 'redact'
  },
  'GET /v1/indicators as n6': async (node, { row, value, id }) => {
    const { text } = await get(node, row, `/v1/indicators?format=n6&value=${encodeURIComponent(value)}`)
    if (!text.includes(id)) return 'deny'
    return text.includes(value) ? 'permit' : 'redact'
  },
  'GET /v1/indicators as CAP': async (node, { row, value }) => {
    const { text } = await get(node, row, `/v1/indicators?format=cap&value=${encodeURIComponent(value)}`)
    if (text.includes(`|${value}|`)) return 'permit'
    if (text.includes(value)) throw new Error('a value without an address is in CAP')
    // What has no address, or is masked, has no line: only their number is told.
    return text.includes('#without an address') ? 'closed' : 'deny'
  },
  'GET /v1/indicators as MISP': async (node, { row, value }) => {
    const { body } = await get(node, row, `/v1/indicators?format=misp&value=${encodeURIComponent(value)}`)
    return seenInEvents(body.response, value)
  },
  'POST /misp/attributes/restSearch': async (node, { row, value }) => {
    const { body } = await post(node, row, '/misp/attributes/restSearch', { value })
    return seenAsMisp(body.response.Attribute, value)
  },
  'POST /misp/events/restSearch': async (node, { row, value, event }) => {
    const all = await post(node, row, '/misp/events/restSearch', { value })
    const one = await post(node, row, '/misp/events/restSearch', { eventid: event })
    const index = await post(node, row, '/misp/events/index', { uuid: event })
    if (all.text !== one.text) throw new Error('by its value it is another event than by its id')
    if (index.body.length !== one.body.response.length) throw new Error('the index says something else')
    return seenInEvents(one.body.response, value)
  },
  'POST /misp/objects/restSearch': async (node, { row, value, event }) => {
    const one = await post(node, row, '/misp/objects/restSearch', { eventid: event, object_name: 'domain-ip' })
    const boxes = one.body.response.map((each: { Object: MispBox }) => each.Object.Attribute)
    const found = seenAsMisp(boxes.flat(), value)
    if (found !== 'deny') return found
    // What is masked stands alone in its event, outside the object: of which object it is a part is kept from its reader.
    const whole = await post(node, row, '/misp/events/restSearch', { eventid: event })
    return seenInEvents(whole.body.response, value) === 'redact' ? 'closed' : 'deny'
  },
  'GET /misp/events/view/{id}': async (node, { row, value, event }) => {
    const { status, body } = await get(node, row, `/misp/events/view/${event}`)
    return status === 404 ? 'deny' : seenInEvents([body], value)
  },
  'GET /misp/attributes/view/{id}': async (node, { row, value, id }) => {
    const { status, body } = await get(node, row, `/misp/attributes/view/${id.slice('indicator--'.length)}`)
    return status === 404 ? 'deny' : seenAsMisp([body.Attribute], value)
  },
  'GET /misp/feed/{file}': async (node, { row, value, event }) => {
    const { status, body } = await get(node, row, `/misp/feed/${event}.json`)
    const found = status === 404 ? 'deny' : seenInEvents([body], value)
    // RED is in no feed, whoever may read it.
    if (row.handling.tlp === 'red') return nothing(row, found === 'deny' ? [] : [found])
    return found
  },
  'POST /misp/sightings/add/{id}': async (node, { row, id }) => {
    const account = node.world.accounts.find(({ id }) => id === row.reader)
    const answer = await post(node, row, `/misp/sightings/add/${id.slice('indicator--'.length)}`, { type: '0' })
    if (account?.roles.some((role) => role === 'reader' || role === 'publisher') !== true) {
      return answer.status === 404 || answer.status === 403 ? 'closed' : 'permit'
    }
    if (answer.status === 404) return 'deny'
    return answer.status === 200 && row.expect.effect !== 'deny' ? row.expect.effect : 'permit'
  },
  'GET /v1/indicators/{id}': async (node, { row, id, value }) => {
    const answer = await get(node, row, `/v1/indicators/${id}`)
    return answer.status === 404 ? 'deny' : seen([answer.body], value)
  },
  // Who sees an indicator may write to its source, masked or not; words themselves have no masked form.
  'POST /v1/replies': async (node, { row, id }) => {
    const reader = node.world.accounts.find(({ id }) => id === row.reader)
    const answer = await post(node, row, '/v1/replies', { indicator: id, source: row.handling.originator, text: 'x' })
    if (reader?.roles.some((role) => role === 'reader' || role === 'publisher') !== true)
      return answer.status === 401 || answer.status === 403 ? 'closed' : 'permit'
    // What is anonymous has no such source, and of one's own there is nobody to write to.
    if (row.handling.attribution === 'anonymous' || reader.organisation === row.handling.originator)
      return answer.status === 201 ? 'permit' : 'closed'
    if (answer.status === 404) return 'deny'
    return answer.status === 201 && row.expect.effect === 'redact' ? 'redact' : 'permit'
  },
  // Words under the case's handling, and under one that everybody may see a reference to the indicator: ids are told of what is masked, too.
  'GET /v1/assistance/{id}': async (node, { row, id, open }) => {
    const reader = node.world.accounts.find(({ id }) => id === row.reader)
    const uuid = id.slice('indicator--'.length)
    const ids: Record<'words' | 'reference', string> = { words: crypto.randomUUID(), reference: crypto.randomUUID() }
    for (const [what, asking] of Object.entries(ids))
      await node.context.database.client.query(
        `with asked as (
           insert into assistance (id, kind, asker, addressee, state, due_at, version, created_at, handling_id, answer_handling_id)
           select $1, 'takedown', (select id from organisation where id <> $2 order by id limit 1), $2, 'asked',
             '9000-01-01', 1, now(), h.id, h.id
           from (select handling_id id from indicator where $3 = 'words' and stix_id = $4 and originator = $5
             union all select handling_id from stix_object where $3 = 'reference' and id = $6 limit 1) h returning id)
         insert into assistance_indicator select id, 1, $5, $4 from asked`,
        [asking, reader?.organisation ?? 'lacnic', what, uuid, row.handling.originator, open],
      )
    const [words, reference] = [
      await get(node, row, `/v1/assistance/${ids.words}`),
      await get(node, row, `/v1/assistance/${ids.reference}`),
    ]
    if (reader?.roles.some((role) => role === 'reader' || role === 'publisher') !== true) {
      const closed = [words, reference].every(({ status }) => status === 401 || status === 403)
      return closed ? 'closed' : 'permit'
    }
    if (words.status === 200) return words.body.indicators.length === 1 ? 'permit' : 'deny'
    return reference.body.indicators.length === 1 ? 'redact' : 'deny'
  },
  'GET /v1/indicators/{id}/history': async (node, { row, id, value }) => {
    const answer = await get(node, row, `/v1/indicators/${id}/history`)
    if (answer.status === 404) return 'deny'
    return seen(
      answer.body.items.map((each: { indicator: unknown }) => each.indicator),
      value,
    )
  },
  'GET /v1/feed': async (node, { row, value, id }) => {
    const { body } = await get(node, row, '/v1/feed?limit=1000')
    if (body.more) throw new Error('the feed is longer than a page')
    const items = (body.items as { id: string; indicator?: { value: string; masked: boolean } }[])
      .filter((each) => each.id === id)
      .flatMap(({ indicator }) => indicator ?? [])
    return followed(row, items, value)
  },
  'GET /v1/feed/stream': async (node, { row, value, id }) => {
    const { body } = await get(node, row, '/v1/feed?limit=1000')
    const client = await new EventClient(node, row.reader).open({ 'puente-purpose': row.purpose })
    await client.until(({ events, lastId }) => lastId !== '' && events.length >= body.items.length, 'the feed')
    client.cut()
    if (client.events.length !== body.items.length) throw new Error('a stream and a page of the feed disagree')
    return followed(
      row,
      client.events.flatMap(({ data }) => (data.id === id && data.indicator !== undefined ? [data.indicator] : [])),
      value,
    )
  },
  'subscription over /graphql': async (node, { row, value, id }) => {
    const { body } = await get(node, row, '/v1/feed?limit=1000')
    const subscriber = await new Subscriber(node).open({ ...node.as(row.reader), 'puente-purpose': row.purpose })
    await subscriber.init()
    subscriber.subscribe('a')
    await subscriber.until(({ told, cursor }) => cursor !== undefined && told.length >= body.items.length, 'the feed')
    subscriber.ws.terminate()
    const entries = subscriber.messages.flatMap(({ payload }) => payload?.data?.feed.entries ?? [])
    return followed(
      row,
      entries.flatMap(({ stixId, indicator }) => (stixId === id && indicator !== null ? [indicator] : [])),
      value,
    )
  },
  'POST of a webhook': async (node, { row, value, id }) => {
    if (row.reader === 'anonymous') return 'closed'
    const { items } = await deliveredTo(node, endpoint, row.reader, { ownSystem: true, batch: 1_000 }, row.purpose)
    const given = items.filter((each) => each.id === id).flatMap(({ indicator }) => indicator ?? [])
    // RED goes nowhere by itself, whoever may read it.
    if (row.handling.tlp === 'red') return nothing(row, given)
    return seen(given, value)
  },
  'POST of a webhook to a system of others': async (node, { row, value, id }) => {
    if (row.reader === 'anonymous') return 'closed'
    const { items } = await deliveredTo(node, endpoint, row.reader, { batch: 1_000 }, row.purpose)
    const given = items.filter((each) => each.id === id).flatMap(({ indicator }) => indicator ?? [])
    // PAP is no rule about who may have it: what it keeps in is left out, whatever the effect.
    const { tlp, pap, unknown } = row.handling
    const kept = tlp === 'red' || unknown === true || pap === 'amber' || pap === 'red'
    if (kept) return nothing(row, given)
    return seen(given, value)
  },
  'GET /v1/blocklists/{file}': async (node, { row, value }) => {
    const { status, text } = await get(node, row, '/v1/blocklists/all.txt')
    if (status !== 200) throw new Error(text)
    const listed = text.split('\n').includes(value)
    const { tlp, pap, unknown, personalData } = row.handling
    // Whole, of a type that can be blocked, and by the PAP gate: then it must be there, and otherwise it must not.
    const blockable = unknown !== true && !personalData && tlp !== 'red' && (pap === 'clear' || pap === 'green')
    if (listed !== (blockable && row.expect.effect === 'permit')) return listed ? 'permit' : 'deny'
    return row.expect.effect
  },
  'POST /v1/lookup': async (node, { row, value }) => {
    const { body } = await node.call(row.reader, {
      method: 'POST',
      url: '/v1/lookup',
      headers: { 'content-type': 'application/json', 'puente-purpose': row.purpose },
      payload: JSON.stringify({ values: [value] }),
    })
    return seen(
      body.results[0].matches.map((each: { indicator: unknown }) => each.indicator),
      value,
    )
  },
  'POST /v1/observations': async (node, { row, value }) => {
    const account = node.world.accounts.find(({ id }) => id === row.reader)
    const answer = await node.call(row.reader, {
      method: 'POST',
      url: '/v1/observations?answer=hits',
      headers: { 'content-type': 'text/plain', 'puente-purpose': row.purpose },
      payload: value,
    })
    if (account?.roles.some((role) => role === 'reader' || role === 'publisher') !== true) {
      return answer.status === 401 || answer.status === 403 ? 'closed' : 'permit'
    }
    const lines = answer.text.split('\n').filter((line) => line !== '')
    const told = lines.map((line) => JSON.parse(line))
    const { matched } = told.at(-1).totals
    const found = seen(
      told.flatMap(({ indicator }) => (indicator === undefined ? [] : [indicator])),
      value,
    )
    if ((matched === 1) !== (found !== 'deny')) throw new Error(`${matched} matched, and ${found}`)
    return found
  },
  'GET /v1/indicators/{id}/observations': async (node, { row, id }) => {
    const answer = await get(node, row, `/v1/indicators/${id}/observations`)
    if (answer.status === 404) return 'deny'
    return row.expect.effect === 'deny' ? 'permit' : row.expect.effect
  },
  'GET /v1/indicators?include=quality': async (node, { row, value }) => {
    const { body } = await get(node, row, `/v1/indicators?include=quality&value=${encodeURIComponent(value)}`)
    for (const { quality } of body.items) if (typeof quality?.decay?.score !== 'number') throw new Error('no quality')
    return seen(body.items, value)
  },
  'POST /v1/indicators/{id}/sightings': async (node, { row, id }) => {
    const account = node.world.accounts.find(({ id }) => id === row.reader)
    const answer = await node.call(row.reader, {
      method: 'POST',
      url: `/v1/indicators/${id}/sightings`,
      headers: { 'content-type': 'application/json', 'puente-purpose': row.purpose },
      payload: '{"count":2}',
    })
    if (account?.roles.some((role) => role === 'reader' || role === 'publisher') !== true) {
      return answer.status === 401 || answer.status === 403 ? 'closed' : 'permit'
    }
    if (answer.status === 404) return 'deny'
    return answer.status === 201 && row.expect.effect !== 'deny' ? row.expect.effect : 'permit'
  },
  'POST /v1/indicators/{id}/widening-requests': async (node, { row, id }) => {
    const account = node.world.accounts.find(({ id }) => id === row.reader)
    const wanted = { lawEnforcement: 'allowed' }
    const answer = await post(node, row, `/v1/indicators/${id}/widening-requests`, { wanted, reason: 'x' })
    if (account?.roles.some((role) => role === 'reader' || role === 'publisher') !== true) {
      return answer.status === 401 || answer.status === 403 ? 'closed' : 'permit'
    }
    if (answer.status === 404) return 'deny'
    // Whoever published it is told to revise it; one of several of an organisation asked already.
    const own = account.organisation === row.handling.originator
    const taken = own ? answer.status === 400 : answer.status === 201 || answer.status === 409
    return taken && row.expect.effect !== 'deny' ? row.expect.effect : 'permit'
  },
  'GET /v1/indicators/{id}/sightings': async (node, { row, id }) => {
    const answer = await get(node, row, `/v1/indicators/${id}/sightings`)
    if (answer.status === 404) return 'deny'
    // What others said of what is masked is not told.
    const others = answer.body.reports.filter(
      ({ organisation }: { organisation?: { id: string } }) =>
        organisation?.id !== node.world.accounts.find((one) => one.id === row.reader)?.organisation,
    )
    return others.length > 0 ? 'permit' : row.expect.effect === 'deny' ? 'permit' : row.expect.effect
  },
  'GET /v1/indicators/{id}/related': async (node, { row, value, beside, id }) => {
    const mine = await get(node, row, `/v1/indicators/${id}/related`)
    const listed = mine.body.related?.map((each: { indicator: { id: string } }) => each.indicator.id)
    if (row.handling.personalData) {
      if (mine.status === 404) return 'deny'
      return listed.length === 0 ? row.expect.effect : 'permit'
    }
    // From something that everybody may see, to this.
    const theirs = await get(node, row, `/v1/indicators/${beside}/related`)
    const found = seen(
      theirs.body.related
        .map(({ indicator }: { indicator: { id: string } }) => indicator)
        .filter((each: { id: string }) => each.id === id),
      value,
    )
    if ((mine.status === 404) !== (found === 'deny')) throw new Error(`${mine.status} for what is ${found} beside it`)
    if (found === 'permit' && !listed.includes(beside)) throw new Error('what is beside it is not found')
    return found
  },
  'GET /v1/objects': async (node, planted) => {
    const found = new Map<string, StixMembers>()
    for (let url = '/v1/objects?limit=1000&type=report&type=relationship'; url !== ''; ) {
      const { headers, body } = await get(node, planted.row, url)
      for (const { id, object } of body.items) found.set(id, object)
      url = /<([^>]+)>; rel="next"/.exec(String(headers.link ?? ''))?.[1] ?? ''
    }
    return seenOfObjects(planted, found, ['ofIndicator', 'ofObject', 'report'])
  },
  'GET /v1/objects as STIX': async (node, planted) => {
    const { text } = await get(node, planted.row, '/v1/objects?format=stix&limit=1000&type=tool')
    const bundle: { objects?: StixMembers[] } = JSON.parse(text)
    return seenOfObjects(planted, new Map(bundle.objects?.map((each) => [each.id, each])), ['object', 'open'])
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
  'GET /taxii2/node/collections/{collection}/objects/': async (node, { row, value, id }) => {
    const client = new TaxiiClient(node, row.reader, row.purpose)
    const path = await client.collection(row.reader === 'anonymous' ? 'public' : 'all')
    const all = await client.objects(path)
    const one = (await client.ask(`${path}objects/${id}/`)).body.objects ?? []
    const listed = all.filter((each) => each.id === id)
    if (JSON.stringify(listed) !== JSON.stringify(one)) throw new Error('a page and an object disagree')
    const inManifest = (await client.ask(`${path}manifest/`, { 'match[id]': id })).body.objects ?? []
    if (inManifest.length !== listed.length) throw new Error('a page and a manifest disagree')
    for (const { alias } of (await client.ask('/taxii2/node/collections/')).body.collections) {
      const { body } = await client.ask(`/taxii2/node/collections/${alias}/objects/`, { 'match[id]': id })
      if ((body.objects ?? []).length > listed.length) throw new Error(`${alias} has more than may be seen`)
    }
    const items = listed.map(({ pattern = '' }) => ({
      value: pattern.includes(`'${value}'`) ? value : '',
      masked: pattern.includes('x-puente-masked'),
    }))
    return followed(row, items, value)
  },
  'POST /graphql': async (node, { row, id, value }) => {
    const { body } = await node.call(row.reader, {
      method: 'POST',
      url: '/graphql',
      headers: { 'content-type': 'application/json', 'puente-purpose': row.purpose },
      payload: JSON.stringify({
        query: `query ($id: ID!, $value: String!) {
          indicator(id: $id) { value masked }
          indicators(filter: { value: $value }) { edges { node { value masked } } }
        }`,
        variables: { id, value },
      }),
    })
    const one = seen(body.data.indicator === null ? [] : [body.data.indicator], value)
    const page = seen(
      body.data.indicators.edges.map((each: { node: unknown }) => each.node),
      value,
    )
    if (one !== page) throw new Error(`GraphQL disagrees with itself: ${one}, ${page}`)
    return one
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

/** What goes out by no webhook did not, whatever the reader may see. */
function nothing(row: PolicyCase, given: readonly unknown[]): Seen {
  if (given.length > 0) throw new Error('it went out')
  return row.expect.effect
}
/** RED is in no feed, whoever may read it. */
const followed = (row: PolicyCase, items: readonly { value: string; masked: boolean }[], value: string): Seen =>
  row.handling.tlp === 'red' && items.length === 0 ? row.expect.effect : seen(items, value)

const get = (node: TestNode, { reader, purpose }: PolicyCase, url: string) =>
  node.call(reader, { method: 'GET', url, headers: { 'puente-purpose': purpose } })

const post = (node: TestNode, { reader, purpose }: PolicyCase, url: string, body: object) =>
  node.call(reader, {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json', 'puente-purpose': purpose },
    payload: JSON.stringify(body),
  })

interface MispAttribute {
  readonly value: string
  readonly comment: string
}

interface MispBox {
  readonly Attribute: readonly MispAttribute[]
}

const seenInEvents = (
  events: readonly { readonly Event: MispBox & { readonly Object: readonly MispBox[] } }[],
  value: string,
): Seen =>
  seenAsMisp(
    events.flatMap(({ Event }) => [Event, ...Event.Object]).flatMap((each) => each.Attribute),
    value,
  )

/** MISP has no mask: a digest is a value of type `other`, and the comment says of what. */
const seenAsMisp = (attributes: readonly MispAttribute[], value: string): Seen =>
  seen(
    attributes.map((each) => ({ value: each.value, masked: each.comment.startsWith('masked ') })),
    value,
  )

function seen(items: readonly { value: string; masked: boolean }[], value: string): Seen {
  const [first] = items
  if (first === undefined) return 'deny'
  if (!first.masked) return first.value === value ? 'permit' : 'redact'
  if (JSON.stringify(items).includes(value)) throw new Error('a masked answer holds the value')
  return 'redact'
}

t.setTimeout(600_000)

t.test('every policy case through every door', async (t) => {
  const node = await testNode(t, {
    privateHosts: ['127.0.0.1'],
    guards: { streamsPerAccount: 1_000, connectionsPerAddress: 2_000 },
  })
  endpoint = await Receiver.start(t)
  const planted: Planted[] = []
  // In order of time: a node's clock does not run backwards.
  // An originator that is not enrolled has nothing in the store.
  const enrolled = loadCases().filter(({ handling }) =>
    node.world.organisations.some(({ id }) => id === handling.originator),
  )
  for (const [n, row] of enrolled.sort((a, b) => Date.parse(a.at) - Date.parse(b.at)).entries()) {
    const observable = observableOf(row, n)
    const id = await node.plant(row.handling, observable)
    const open = handling(row.handling.originator, { tlp: 'clear', lawEnforcement: 'allowed' })
    const beside = await node.plant(open, besideOf(observable))
    const event = `00000000-0000-4000-8000-${String(n + 1).padStart(12, '0')}`
    await plantEvent(node, open, event, [id], 'An event', event.replace('-8000-', '-9000-'))
    planted.push({ row, id, value: observable.value, beside, event, ...(await plantObjects(node, row, id, open)) })
  }
  t.ok(planted.length >= 120, `${planted.length} cases`)
  for (const one of planted) await ask(t, node, one)
})

t.test('nothing sensitive is answered while the audit log takes nothing', async (t) => {
  const node = await testNode(t, { privateHosts: ['127.0.0.1'] })
  endpoint = await Receiver.start(t)
  const { client } = node.context.database
  const answers: Answer[] = []
  const watched: TestNode = {
    ...node,
    call: async (account, request) => {
      const answer = await node.call(account, request)
      answers.push(answer)
      return answer
    },
  }
  const green = handling('csirt-cl', { tlp: 'green', lawEnforcement: 'allowed' })
  const red = handling('red-andina', { tlp: 'red', people: ['rosa.red-andina'] })
  const readers = [
    ['ignacio.policia-cl', green],
    ['rosa.red-andina', red],
  ] as const
  for (const [n, [reader, marked]] of readers.entries()) {
    const value = freshAddress(n + 1)
    const id = await node.plant(marked, { type: 'ipv6-address', value })
    const beside = await node.plant(marked, { type: 'url', value: `http://[${value}]/` })
    const event = `00000000-0000-4000-8000-00000000000${n + 1}`
    await plantEvent(node, marked, event, [id])
    const [some] = loadCases()
    if (some === undefined) throw new Error('there are no cases')
    const row: PolicyCase = { ...some, reader, purpose: 'defence', handling: marked, grants: [] }
    const planted: Planted = { row, id, value, beside, event, ...(await plantObjects(node, row, id, marked)) }
    const open = async (): Promise<ReadonlyMap<string, readonly Answer[]>> => {
      const all = new Map<string, Answer[]>()
      for (const [door, ask] of Object.entries(doors)) {
        const from = answers.length
        // What a door says of a refusal is no answer of its own.
        await ask(watched, planted).catch(() => undefined)
        all.set(door, answers.slice(from))
      }
      return all
    }
    const before = await open()
    const telling = [...before].filter(([, answers]) => answers.some(({ text }) => tells(planted, text)))
    t.ok(telling.length >= 25, `${telling.length} doors tell ${reader} of it`)
    await client.query('alter table audit_leaf rename to audit_gone')
    const stream = await new EventClient(watched, reader).open()
    const subscriber = await new Subscriber(watched).open(node.as(reader))
    await subscriber.init()
    subscriber.subscribe('a')
    for (const [door, answers] of await open()) {
      for (const { status, headers, text } of answers) {
        t.notOk(tells(planted, text), `${reader} is told nothing by ${door}`)
        if (status >= 500) t.match([status, headers['retry-after']], [503, '5'], `${door} asks to come again`)
      }
      const [first] = telling.filter(([name]) => name === door)
      // What was asked once is refused for that, and needs no leaf.
      const refused = answers.some(({ status, text }) => status >= 400 || text.includes('"unavailable"'))
      if (first !== undefined) t.ok(refused, `${reader} is refused by ${door}`)
    }
    t.notOk(tells(planted, JSON.stringify([stream.events, subscriber.messages])), 'and nothing live')
    stream.cut()
    subscriber.ws.terminate()
    await client.query('alter table audit_gone rename to audit_leaf')
  }
})

/** Whether an answer holds something of what was planted: a value, or an id. */
const tells = ({ value, id, object }: Planted, text: string): boolean =>
  text.includes(value) || text.includes(id) || text.includes(object)

async function plantObjects(node: TestNode, row: PolicyCase, id: string, everybodys: Handling) {
  const object = await node.plantObject({ ...row.handling, maskable: false }, { type: 'tool', name: 'kept from some' })
  const open = await node.plantObject(everybodys, { type: 'tool', name: 'open' })
  const tie = (source: string) =>
    node.plantObject(everybodys, {
      type: 'relationship',
      relationship_type: 'related-to',
      source_ref: source,
      target_ref: open,
    })
  const [ofIndicator, ofObject] = [await tie(id), await tie(object)]
  const about = { name: 'about all', published: '2024-01-01T00:00:00Z', object_refs: [open, object, id] }
  return {
    object,
    open,
    ofIndicator,
    ofObject,
    report: await node.plantObject(everybodys, { type: 'report', ...about }),
  }
}

async function ask(t: Test, node: TestNode, asked: Planted): Promise<void> {
  const planted = { ...asked, row: ordinary(asked.row) }
  const { row } = planted
  node.at(row.at)
  await grant(node, row)
  for (const [door, open] of Object.entries(doors)) {
    const found = await open(node, planted).catch((error: Error) => error.message)
    if (found !== row.expect.effect && found !== 'closed')
      t.fail(`${row.case} — ${door}: expected ${row.expect.effect}, saw ${found}`)
  }
  for (const grant of asked.row.grants) {
    const found = await underRequest(node, asked, grant).catch((error: Error) => error.message)
    if (found === 'closed') continue
    const reader = readerOf(node.world, row.reader, [grant])
    const { effect } = decide(reader, row.handling, 'law-enforcement', new Date(row.at), worldOf(node.world))
    // RED leaves in no file.
    const expected = row.handling.tlp === 'red' ? 'deny' : effect
    t.equal(found, expected, `${row.case} — in a package under ${grant.request}`)
  }
  const explained = await get(node, row, `/v1/indicators/${planted.id}/explain`)
  if (row.expect.effect === 'deny' && row.reader !== 'anonymous')
    t.equal(explained.status, 404, `${row.case}: nothing to explain`)
  if (row.expect.effect !== 'deny' && row.reader !== 'anonymous') {
    t.match(explained.body, { effect: row.expect.effect, reason: row.expect.reason }, `${row.case}: explained`)
    const relied = explained.body.agreements.map((each: { id: string }) => each.id)
    for (const id of relied) t.ok(row.expect.agreement?.includes(id), `${row.case}: may rest on ${id}`)
  }
  if (row.grants.length > 0) await node.context.database.client.query('truncate legal_request cascade')
  t.pass(row.case)
}

/** Personal data with a masked form is an e-mail address; everything else an address of a documentation range. */
function observableOf({ handling }: PolicyCase, n: number): { type: string; value: string } {
  return handling.personalData
    ? { type: 'email-address', value: `person-${n}@example.com` }
    : { type: 'ipv6-address', value: freshAddress(n + 1) }
}

/** A URL at the address. Mailboxes have nothing beside them. */
const besideOf = ({ type, value }: { type: string; value: string }) => ({
  type: 'url',
  value: type === 'email-address' ? `http://${value.split('@')[0]}.example.org/` : `http://[${value}]/`,
})

/** A legal request serves where one acts under it (ADR 28): at these doors the case is what it is without one. */
function ordinary(row: PolicyCase): PolicyCase {
  if (row.grants.length === 0) return row
  const world = loadWorld()
  const reader = readerOf(world, row.reader, [])
  const { effect, reason } = decide(reader, row.handling, row.purpose, new Date(row.at), worldOf(world))
  return { ...row, expect: { ...row.expect, effect, reason } }
}

/** What a package under one request of the case holds of it. */
async function underRequest(
  node: TestNode,
  { row, value }: Planted,
  { originators, approvedAt, expiresAt }: LegalGrant,
): Promise<Seen> {
  const { rows } = await node.context.database.client.query<{ id: string }>(
    `insert into legal_request (id, liaison, instrument, citation, authority, case_reference, offence, requesting_jurisdiction,
       facts, necessity, scope, named, originators, state, approved_at, expires_at)
     values (gen_random_uuid(), $1, 'domestic-order', 'x', 'x', 'x', 'fraud', 'CL', 'x', 'x', $2, $3, $3, 'approved', $4, $5) returning id`,
    [row.reader, JSON.stringify({ originators, values: [value] }), originators, approvedAt, expiresAt],
  )
  const started = await node.call(row.reader, { method: 'POST', url: `/v1/legal-requests/${rows[0]?.id}/exports` })
  // Its time is over, or the account is no liaison.
  if (started.status === 409) return 'deny'
  if (started.status === 403) return 'closed'
  if (started.status !== 202) throw new Error(started.text)
  await runExports(node.context)
  const { statusCode, rawPayload } = await node.app.inject({
    method: 'POST',
    url: `/v1/exports/${started.body.id}/download`,
    headers: node.as(row.reader),
  })
  if (statusCode !== 200) throw new Error(rawPayload.toString())
  const files = [...readZip(rawPayload, 1_000_000)].map(([, content]) => Buffer.from(content).toString())
  const { counts, items } = JSON.parse(files[4] ?? '{}')
  await node.context.database.client.query('delete from export')
  if (items.length === 0) return 'deny'
  if (counts.masked === 0) return 'permit'
  // The scope was given by whoever asked, and stands in the manifest.
  if (files.slice(1, 4).join('').includes(value)) throw new Error('a masked package holds the value')
  return 'redact'
}

/** Approved legal requests of the case, as the store will keep them. */
async function grant(node: TestNode, row: PolicyCase): Promise<void> {
  for (const { originators, approvedAt, expiresAt } of row.grants) {
    await node.context.database.client.query(
      `insert into legal_request (id, liaison, instrument, citation, authority, case_reference, offence, requesting_jurisdiction,
         facts, necessity, scope, originators, state, approved_at, expires_at)
       values (gen_random_uuid(), $1, 'domestic-order', 'x', 'x', 'x', 'fraud', 'CL', 'x', 'x', 'x', $2, 'approved', $3, $4)`,
      [row.reader, originators, approvedAt, expiresAt],
    )
  }
}
