import { type Doors, get, post, seen } from './seen.ts'

/** Where one says something of an indicator, or reads what others said: replies, assistance, observations, sightings, widening. */
export const tellingDoors: Doors = {
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
}
