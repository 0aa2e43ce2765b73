import { createHash } from 'node:crypto'
import { algorithms, parsePublicJwk } from '../auth/jwk.ts'
import { claimed, TokenRefused, tokenVerifier, type VerifiedToken } from '../auth/tokens.ts'
import type { Scope } from '../domain/account.ts'
import type { ActionName } from '../domain/action-names.ts'
import { type Caller, publicCaller } from '../domain/caller.ts'
import { readerOfAccount } from '../domain/directory.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { anonymous } from '../domain/reader.ts'
import { type ClientKeyRow, usableClientKeys } from '../store/client-keys.ts'
import { useAssertion } from '../store/tokens.ts'
import type { Context, Standing } from './context.ts'
import { record } from './verb.ts'

export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** How a client proves who it is (RFC 7521 §4.2), as it came. */
export interface ClientProof {
  readonly assertionType?: string | undefined
  readonly assertion?: string | undefined
  readonly clientId?: string | undefined
}

export interface KnownClient {
  /** The account, as whoever acts. */
  readonly caller: Caller
  readonly key: ClientKeyRow
  readonly scopes: readonly Scope[]
}

/**
 * Which account a client is: its id is the account's, and an assertion signed by one of its keys proves it, once (RFC 7523).
 * To somebody who has no such key every failure looks the same; who has one is told what is wrong, and is put on the log.
 * @throws {Fault} `invalid_request`, `invalid_client`
 */
export async function authenticateClient(
  context: Context,
  standing: Standing,
  action: ActionName,
  given: ClientProof,
): Promise<KnownClient> {
  const { assertion } = given
  if (assertion === undefined || given.assertionType !== assertionType) {
    throw new Fault('invalid_request', `A client proves itself by client_assertion, with the type ${assertionType}.`)
  }
  const account = standing.directory.accounts.get(claimed(assertion)?.sub ?? '')
  if (account === undefined) throw unknown()
  const refuse = (sentence: string) => refuseClient(context, standing, account.id, action, sentence)
  let key: ClientKeyRow | undefined
  let token: VerifiedToken
  try {
    ;({ token, key } = await verifyAssertion(context, account.id, assertion))
  } catch (error) {
    if (!(error instanceof TokenRefused)) throw error
    throw error.signed ? await refuse(`The assertion is not good. ${error.message}`) : unknown()
  }
  const jti = createHash('sha256').update(token.jti).digest()
  const expiresAt = new Date(token.expiresAt.getTime() + limits.clockSkewSeconds * 1000)
  if (token.jti === '' || !(await useAssertion(context.database, { client: account.id, jti, expiresAt }))) {
    throw await refuse('The assertion was used before: each has a jti of its own, and is used once.')
  }
  if (given.clientId !== undefined && given.clientId !== account.id) {
    throw await refuse('The client_id is another than that of the assertion.')
  }
  const reader = readerOfAccount(standing.directory, account.id)
  if (reader === undefined) throw await refuse('The account is disabled.')
  const operator = standing.directory.operator === reader.organisation?.id
  const scopes = key.scopes as Scope[]
  return { caller: { reader, scopes, purpose: 'defence', operator }, key, scopes }
}

/** @throws {TokenRefused} */
async function verifyAssertion(
  { tokens, database, clock }: Context,
  account: string,
  assertion: string,
): Promise<{ readonly token: VerifiedToken; readonly key: ClientKeyRow }> {
  const verify = tokenVerifier({
    issuer: account,
    audience: [tokens.issuer, tokens.tokenEndpoint],
    algorithms,
    // RFC 7523 asks for no type. That of an access token would let one stand for its client.
    typ: ['', 'jwt', 'client-authentication+jwt'],
    required: ['sub', 'jti'],
    lifetimeSeconds: limits.assertionLifetimeSeconds,
  })
  const keys = await usableClientKeys(database, account)
  let refused: unknown = new TokenRefused(false, 'The client has no key.')
  for (const key of keys) {
    const { thumbprint, ...verification } = await parsePublicJwk(JSON.parse(key.jwk), '')
    const named = (kid: string | undefined) => kid === undefined || kid === key.id || kid === thumbprint
    try {
      const token = await verify(assertion, ({ kid }) => (named(kid) ? verification : undefined), clock())
      return { token, key }
    } catch (error) {
      if (!(error instanceof TokenRefused)) throw error
      refused = error
      if (error.signed) break
    }
  }
  throw refused
}

/** Puts the refusal of a client that proved itself on the log. @returns the fault to throw */
export async function refuseClient(
  context: Context,
  standing: Standing,
  account: string,
  action: ActionName,
  sentence: string,
  code: 'invalid_client' | 'invalid_scope' | 'invalid_request' | 'invalid_dpop_proof' = 'invalid_client',
): Promise<Fault> {
  const { accounts, organisations } = standing.directory
  const organisation = organisations.get(accounts.get(account)?.organisation ?? '')
  const reader = { ...anonymous, account, ...(organisation === undefined ? {} : { organisation }) }
  await context.database.transaction((transaction) =>
    record(transaction, context, { ...publicCaller, reader }, standing, {
      action,
      decision: 'deny',
      rules: [`token.${code.replaceAll('_', '-')}`],
      subject: JSON.stringify({ account, sentence }),
    }),
  )
  return new Fault(code, sentence)
}

const unknown = () =>
  new Fault('invalid_client', 'No such client, or the assertion is not signed by one of its keys that are registered.')
