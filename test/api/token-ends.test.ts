import { decodeJwt } from 'jose'
import t from 'tap'
import { forgetEndedTokens } from '../../src/actions/index.ts'
import { stillMay } from '../../src/actions/verb.ts'
import { limits } from '../../src/domain/limits.ts'
import { actions } from '../node.ts'
import {
  ask,
  assertionOf,
  bearing,
  form,
  json,
  jwtBearer,
  later,
  leaves,
  pairOf,
  register,
  tokenFor,
  withClient,
} from '../tokens.ts'

t.setTimeout(300_000)

t.test('a token ends', async (t) => {
  const { node, pair } = await withClient(t)
  const token = await tokenFor(node, 'ana.cert-br', pair)
  t.equal((await bearing(node, token)).status, 200)
  later(node, 309)
  t.equal((await bearing(node, token)).status, 200)
  later(node, 1)
  t.match(await bearing(node, token), { status: 401, body: { code: 'credentials_invalid' } }, 'remembered or not')
})

t.test('what takes a token back', async (t) => {
  const { node, pair, key } = await withClient(t)
  const works = async (token: string) => (await bearing(node, token)).status === 200
  const patch = (url: string, body: object) =>
    node.call('marta.lacnic', { method: 'PATCH', url, headers: json, payload: JSON.stringify(body) })

  t.test('disabling the account, and the organisation', async (t) => {
    const token = await tokenFor(node, 'ana.cert-br', pair)
    for (const url of ['/v1/accounts/ana.cert-br', '/v1/organisations/cert-br']) {
      t.ok(await works(token))
      t.equal((await patch(url, { disabled: true })).status, 200)
      t.notOk(await works(token), url)
      const asked = await ask(node, 'ana.cert-br', pair)
      t.match(asked, { status: 401, body: { error: 'invalid_client', error_description: /disabled/ } })
      t.match((await leaves(node, 'issue-token')).at(-1), { actor: 'ana.cert-br', decision: 'deny' })
      await patch(url, { disabled: false })
    }
    t.ok(await works(token), 'and it is as before when they are enabled again')
  })

  t.test('the client itself', async (t) => {
    const token = await tokenFor(node, 'ana.cert-br', pair)
    t.ok(await works(token))
    const revoke = async (what: string, by = pair, account = 'ana.cert-br') => {
      const client_assertion = await assertionOf(node, account, by)
      return form(node, '/oauth/revoke', { token: what, client_assertion_type: jwtBearer, client_assertion })
    }
    const other = await pairOf()
    await register(node, 'bruno.cert-br', other)
    t.match(await revoke(token, other, 'bruno.cert-br'), { status: 400, body: { error: 'invalid_request' } })
    t.match(await revoke(token, other), { status: 401, body: { error: 'invalid_client' } })
    t.ok(await works(token), 'nobody else can')
    t.match(await revoke(token), { status: 200, headers: { 'cache-control': 'no-store' } })
    t.notOk(await works(token), 'at once in this process')
    t.equal((await revoke(token)).status, 200, 'twice is as once')
    t.equal((await revoke('nonsense')).status, 200, 'and what never was is taken back')
    t.equal((await revoke('')).status, 400)
    t.match(await leaves(node, 'revoke-token'), [{ decision: 'deny' }, { actor: 'ana.cert-br', decision: 'permit' }])
  })

  t.test('a revocation in another process, within two seconds', async (t) => {
    const token = await tokenFor(node, 'ana.cert-br', pair)
    t.ok(await works(token))
    const insert = "insert into revoked_token (jti, client, expires_at) values ($1, 'ana.cert-br', now())"
    await node.context.database.client.query(insert, [decodeJwt(token).jti])
    later(node, limits.revocationAgeMs / 1000)
    t.notOk(await works(token))
    t.notOk(await works(token), 'also when asked again')
  })

  t.test('removing the key that asked for it', async (t) => {
    const token = await tokenFor(node, 'ana.cert-br', pair)
    const second = await pairOf()
    await register(node, 'ana.cert-br', second)
    const safe = await tokenFor(node, 'ana.cert-br', second)
    t.ok(await works(token))
    const authorization = { authorization: `Bearer ${token}` }
    const { authenticate } = actions
    const caller = await authenticate(node.context, authorization)
    await stillMay(node.context, caller, 'publish')
    t.equal((await node.call('caio.cert-br', { method: 'DELETE', url: `/v1/client-keys/${key}` })).status, 204)
    t.notOk(await works(token))
    await t.rejects(stillMay(node.context, caller, 'publish'), { code: 'credentials_invalid' }, 'in the middle too')
    t.ok(await works(safe), 'that of another key goes on')
    t.match(await ask(node, 'ana.cert-br', pair), { status: 401 })
    const safeCaller = await authenticate(node.context, { authorization: `Bearer ${safe}` })
    await stillMay(node.context, safeCaller, 'publish')
    later(node, 310)
    await t.rejects(stillMay(node.context, safeCaller, 'publish'), { code: 'credentials_invalid' }, 'an end is an end')
  })
})

t.test('what has ended is forgotten', async (t) => {
  const { node, pair } = await withClient(t)
  const token = await tokenFor(node, 'ana.cert-br', pair)
  const client_assertion = await assertionOf(node, 'ana.cert-br', pair)
  await form(node, '/oauth/revoke', { token, client_assertion_type: jwtBearer, client_assertion })
  const count = async () => {
    await forgetEndedTokens(node.context)
    const { rows } = await node.context.database.client.query<{ used: bigint; revoked: bigint }>(
      'select (select count(*) from used_assertion) as used, (select count(*) from revoked_token) as revoked',
    )
    return [Number(rows[0]?.used), Number(rows[0]?.revoked)]
  }
  t.strictSame(await count(), [2, 1])
  later(node, 79)
  t.strictSame(await count(), [2, 1])
  later(node, 2)
  t.strictSame(await count(), [0, 1], 'assertions could be used for 60 seconds, and clocks differ')
  later(node, 300)
  t.strictSame(await count(), [0, 0])
})
