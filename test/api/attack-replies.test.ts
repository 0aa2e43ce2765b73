import t from 'tap'
import { get, legalNode, post } from '../legal.ts'
import { domain, handling } from './graphql.ts'

t.setTimeout(240_000)

t.test('a source that became anonymous is not named by what was said to it before', async (t) => {
  const node = await legalNode(t)
  const id = await node.plant(handling('cert-br', { tlp: 'green' }), domain('evil.example'))
  const open = await post(node, 'camila.csirt-cl', '/v1/replies', { indicator: id, text: 'Is it still there?' })
  t.match(open.body, { source: 'cert-br' })
  const hushed = await node.call('ana.cert-br', {
    ...{ method: 'PATCH', url: `/v1/indicators/${id}`, payload: { attribution: 'anonymous' } },
  })
  t.equal(hushed.status, 200, hushed.text)
  await post(node, 'ana.cert-br', `/v1/replies/${open.body.id}/messages`, { text: 'Yes.' })
  const read = await get(node, 'camila.csirt-cl', `/v1/replies/${open.body.id}`)
  t.notMatch(read.text, 'cert-br')
  const list = await get(node, 'diego.csirt-cl', '/v1/replies')
  t.notMatch(list.text, 'cert-br')
})
