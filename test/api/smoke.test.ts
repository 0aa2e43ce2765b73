import t from 'tap'
import { testNode } from '../node.ts'

t.test('publishes one indicator and finds it again', async (t) => {
  const node = await testNode(t)
  const published = await node.call('ana.cert-br', {
    method: 'POST',
    url: '/v1/indicators?tlp=green',
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify({ value: '198.51.100.7', class: 'c2-server', confidence: 80 }),
  })
  t.equal(published.status, 200, published.text)
  const page = await node.call('camila.csirt-cl', { method: 'GET', url: '/v1/indicators' })
  t.equal(page.status, 200, page.text)
  t.comment(page.text)
})
