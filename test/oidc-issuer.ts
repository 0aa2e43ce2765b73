import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair } from 'jose'
import type { Test } from 'tap'

/** An OpenID Connect issuer as others run one: oidc-provider, on a free port of this machine. */
export interface OidcIssuer {
  readonly issuer: string
  /** `127.0.0.1:port` */
  readonly host: string
  /** Paths that were asked for, in order. */
  readonly asked: string[]
  /** An access token for the client, for a resource. */
  token(
    client: string,
    options?: { readonly resource?: string; readonly scope?: string; readonly dpop?: string },
  ): Promise<string>
  /** Signs with a new key from now on; the one before is not shown any more. */
  rotate(): Promise<void>
  /** Answers with this instead of being an issuer; undefined: as before. */
  instead(listener: RequestListener | undefined): void
}

interface Provider {
  callback(): (request: IncomingMessage, response: ServerResponse) => void
}

export async function oidcIssuer(t: Test, clients: readonly string[], alg = 'ES256'): Promise<OidcIssuer> {
  const asked: string[] = []
  let provider: ReturnType<Provider['callback']>
  let other: RequestListener | undefined
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    if (other === undefined) provider(request, response)
    else other(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const issuer = `http://127.0.0.1:${port}`
  const rotate = async () => {
    provider = (await providerOf(issuer, clients, alg)).callback()
  }
  await rotate()
  return {
    issuer,
    host: `127.0.0.1:${port}`,
    asked,
    rotate,
    instead: (listener) => {
      other = listener
    },
    token: async (client, { resource = 'urn:puente', scope = 'read', dpop } = {}) => {
      const answer = await fetch(`${issuer}/token`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${btoa(`${client}:secret`)}`,
          ...(dpop === undefined ? {} : { dpop }),
        },
        body: new URLSearchParams({ grant_type: 'client_credentials', resource, scope }),
      })
      const { access_token } = (await answer.json()) as { access_token?: string }
      if (access_token === undefined) throw new Error(`the issuer answered with ${answer.status}`)
      return access_token
    },
  }
}

let keys = 0

async function providerOf(issuer: string, clients: readonly string[], alg: string): Promise<Provider> {
  // Not typed: its types are a package of their own, and this is all that is used of it.
  const { Provider } = (await import('oidc-provider' as string)) as {
    Provider: new (issuer: string, configuration: object) => Provider
  }
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  const key = { ...(await exportJWK(privateKey)), kid: `key-${++keys}`, alg, use: 'sig' }
  return new Provider(issuer, {
    jwks: { keys: [key] },
    clients: clients.map((client_id) => ({
      client_id,
      client_secret: 'secret',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: alg,
    })),
    ttl: { ClientCredentials: 300 },
    scopes: ['read', 'write', 'admin'],
    enabledJWA: { dPoPSigningAlgValues: ['ES256', 'EdDSA'] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context: unknown, resource: string) => ({
          scope: 'read write admin',
          audience: resource,
          accessTokenTTL: 300,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg } },
        }),
      },
    },
  })
}
