import { TokenRefused, type VerifiedToken } from '../auth/tokens.ts'
import type { Caller } from '../domain/caller.ts'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import { insertRevokedToken } from '../store/tokens.ts'
import { authenticateClient, type ClientProof, refuseClient } from './authenticate-client.ts'
import { tokenDigest } from './authenticate-token.ts'
import type { Context, Standing } from './context.ts'
import { administrative } from './organisations.ts'
import { record, verb } from './verb.ts'

export interface RevocationRequest extends ClientProof {
  readonly token?: string | undefined
}

/**
 * Takes a token of one's own back (RFC 7009): at once in this process, within two seconds in the others. A token that is not
 * valid any more, or never was, is as well taken back.
 * @throws {Fault} `invalid_request`, also for a token of another client; `invalid_client`
 */
export const revokeToken = verb(
  'revoke-token',
  async (context: Context, _caller: Caller, request: RevocationRequest, standing): Promise<void> => {
    if (request.token === undefined) throw new Fault('invalid_request', 'There is no token.')
    const { caller, key } = await authenticateClient(context, standing, 'revoke-token', request)
    const token = await stillValid(context, standing, request.token)
    if (token === undefined) return
    if (token.subject !== key.account) {
      const sentence = 'The token was issued to another client.'
      throw await refuseClient(context, standing, key.account, 'revoke-token', sentence, 'invalid_request')
    }
    context.tokens.known.delete(tokenDigest(request.token))
    const expiresAt = new Date(token.expiresAt.getTime() + limits.clockSkewSeconds * 1000)
    await context.database.transaction(async (transaction) => {
      const row = { jti: token.jti, client: key.account, expiresAt }
      if (!(await insertRevokedToken(transaction, row))) return
      await record(transaction, context, caller, standing, administrative('revoke-token', { jti: token.jti }))
    })
  },
)

async function stillValid(
  { tokens, clock }: Context,
  standing: Standing,
  text: string,
): Promise<VerifiedToken | undefined> {
  const at = clock()
  try {
    return await tokens.verify(text, ({ kid }) => tokens.keys.find(standing, kid, at), at)
  } catch (error) {
    if (error instanceof TokenRefused) return undefined
    throw error
  }
}
