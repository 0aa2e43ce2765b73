import { createHash, randomUUID } from 'node:crypto'
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import type { Test } from 'tap'
import { type Answer, type TestNode, testNode } from './node.ts'

/** What {@link testNode} calls itself. */
export const issuer = 'http://127.0.0.1:8460'

export interface Pair {
  readonly alg: string
  readonly privateKey: CryptoKey
  readonly jwk: JWK
  readonly thumbprint: string
}

export async function pairOf(alg = 'EdDSA'): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(publicKey)
  return { alg, privateKey, jwk, thumbprint: await calculateJwkThumbprint(jwk) }
}

/** Registers a key by the door. @returns the id of the key */
export async function register(
  node: TestNode,
  account: string,
  { jwk }: Pair,
  { by = 'marta.lacnic', scopes }: { readonly by?: string; readonly scopes?: readonly string[] } = {},
): Promise<string> {
  const answer = await node.call(by, {
    method: 'POST',
    url: `/v1/accounts/${account}/client-keys`,
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify({ name: 'test', jwk, ...(scopes === undefined ? {} : { scopes }) }),
  })
  if (answer.status !== 201) throw new Error(answer.text)
  return answer.body.id
}

export const seconds = (node: TestNode): number => Math.floor(node.context.clock().getTime() / 1000)

/** An assertion as RFC 7523 has it; `claims` and `header` change it. */
export const assertionOf = (
  node: TestNode,
  account: string,
  { privateKey, alg }: Pair,
  claims: object = {},
  header: object = {},
): Promise<string> =>
  new SignJWT({
    iss: account,
    sub: account,
    aud: issuer,
    jti: randomUUID(),
    iat: seconds(node),
    exp: seconds(node) + 60,
    ...claims,
  })
    .setProtectedHeader({ alg, ...header })
    .sign(privateKey)

/** A form to one of the OAuth doors; a list of pairs where a parameter comes more than once. */
export const form = (
  node: TestNode,
  url: string,
  fields: Record<string, string> | [string, string][],
  headers: Record<string, string> = {},
): Promise<Answer> =>
  node.call('anonymous', {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    payload: new URLSearchParams(fields).toString(),
  })

export const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** Asks for a token; whatever comes. */
export async function ask(
  node: TestNode,
  account: string,
  pair: Pair,
  {
    fields = {},
    claims = {},
    header = {},
    headers = {},
  }: {
    readonly fields?: Record<string, string>
    readonly claims?: object
    readonly header?: object
    readonly headers?: Record<string, string>
  } = {},
): Promise<Answer> {
  const client_assertion = await assertionOf(node, account, pair, claims, header)
  const usual = { grant_type: 'client_credentials', client_assertion_type: jwtBearer, client_assertion }
  return await form(node, '/oauth/token', { ...usual, ...fields }, headers)
}

/** A token, or the test ends. */
export async function tokenFor(...given: Parameters<typeof ask>): Promise<string> {
  const answer = await ask(...given)
  if (answer.status !== 200) throw new Error(answer.text)
  return answer.body.access_token
}

/** A proof of possession as RFC 9449 has it; `claims` and `header` change it. */
export const proofOf = (
  node: TestNode,
  { privateKey, jwk, alg }: Pair,
  request: { readonly method: string; readonly url: string; readonly token?: string },
  claims: object = {},
  header: object = {},
): Promise<string> =>
  new SignJWT({
    jti: randomUUID(),
    htm: request.method,
    htu: request.url,
    iat: seconds(node),
    ...(request.token === undefined ? {} : { ath: createHash('sha256').update(request.token).digest('base64url') }),
    ...claims,
  })
    .setProtectedHeader({ typ: 'dpop+jwt', alg, jwk, ...header })
    .sign(privateKey)

export const bearing = (node: TestNode, token: string, url = '/v1/me', headers: Record<string, string> = {}) =>
  node.call('anonymous', { method: 'GET', url, headers: { authorization: `Bearer ${token}`, ...headers } })

export const json = { 'content-type': 'application/json' }
export const tokenUrl = `${issuer}/oauth/token`

/** The audit leaves of one verb, oldest first. */
export async function leaves({ context }: TestNode, action: string) {
  const { rows } = await context.database.client.query<{
    actor: string
    decision: string
    leaf: string
    subject: string
  }>(
    `select l.actor, l.decision, l.leaf, s.subject from audit_leaf l join audit_subject s on s.leaf = l.id
     where l.action = $1 order by l.id`,
    [action],
  )
  return rows
}

export const later = (node: TestNode, by: number) =>
  node.at(new Date(node.context.clock().getTime() + by * 1000).toISOString())

/** A node where CERT.br's Ana has registered a key. */
export async function withClient(t: Test, options: Parameters<typeof testNode>[1] = {}) {
  const node = await testNode(t, options)
  const pair = await pairOf()
  const key = await register(node, 'ana.cert-br', pair)
  return { node, pair, key }
}
