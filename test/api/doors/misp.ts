import { type Doors, get, nothing, post, type Seen, seen } from './seen.ts'

/** What a client of MISP asks. */
export const mispDoors: Doors = {
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
}

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
