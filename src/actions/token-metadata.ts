import { algorithms } from '../auth/jwk.ts'
import { scopes } from '../domain/account.ts'
import type { Context } from './context.ts'
import type { PublishedKey } from './signing-keys.ts'

/** What the token doors can do, as clients look it up (RFC 8414). */
export function describeTokens({ tokens: { issuer, tokenEndpoint } }: Context): Readonly<Record<string, unknown>> {
  return {
    issuer,
    token_endpoint: tokenEndpoint,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    revocation_endpoint: `${issuer}/oauth/revoke`,
    grant_types_supported: ['client_credentials'],
    response_types_supported: [],
    scopes_supported: scopes,
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: algorithms,
    revocation_endpoint_auth_methods_supported: ['private_key_jwt'],
    revocation_endpoint_auth_signing_alg_values_supported: algorithms,
    dpop_signing_alg_values_supported: algorithms,
  }
}

/** The public keys that this node's tokens are signed with (RFC 7517). */
export async function publishedKeys(context: Context): Promise<{ readonly keys: readonly PublishedKey[] }> {
  return { keys: await context.tokens.keys.published(await context.policy.current(), context.clock()) }
}
