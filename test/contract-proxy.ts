import type { AddressInfo } from 'node:net'
import { getHttpOperationsFromSpec, type PrismHttpComponents } from '@stoplight/prism-http'
import { createServer } from '@stoplight/prism-http-server'
import type { Test } from 'tap'
import { type Operation, readContract } from '../src/api/rest/contract.ts'
import type { Answer, TestNode } from './node.ts'

/** One request through the proxy. */
export interface Asked {
  readonly json?: unknown
  readonly text?: readonly [mediaType: string, text: string]
  readonly headers?: Readonly<Record<string, string>>
}

interface Violation {
  readonly location: readonly string[]
  readonly message: string
}

/**
 * Prism between client and node: it holds each request and each answer against `openapi.yaml` and says what does not fit in the
 * header `sl-violations`. Nothing is changed on the way.
 */
export class ContractProxy {
  /** What did not fit, one sentence each. */
  readonly violations: string[] = []
  /** Requests of which the answer is STIX: Prism takes `application/stix+json` for `application/json` and uses that one's schema. */
  readonly stix = new Set<string>()
  /** Operations and the statuses they were seen to answer with. */
  readonly seen = new Map<string, Set<number>>()
  readonly #node: TestNode
  readonly #url: string
  readonly #routes: readonly { readonly operation: Operation; readonly pattern: RegExp }[]

  private constructor(node: TestNode, url: string) {
    this.#node = node
    this.#url = url
    this.#routes = readContract('openapi.yaml').operations.map((operation) => ({
      operation,
      pattern: new RegExp(`^${operation.url.replaceAll('.', '\\.').replace(/:\w+/g, '[^/]+')}$`),
    }))
  }

  static async start(t: Test, node: TestNode): Promise<ContractProxy> {
    await node.app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = node.app.server.address() as AddressInfo
    const quiet = Object.fromEntries(
      ['trace', 'debug', 'info', 'success', 'note', 'warn', 'error', 'fatal'].map((level) => [level, () => {}]),
    )
    const logger = { ...quiet, child: () => logger } as unknown as PrismHttpComponents['logger']
    const proxy = createServer(await getHttpOperationsFromSpec('openapi.yaml'), {
      components: { logger },
      cors: false,
      config: {
        isProxy: true,
        upstream: new URL(`http://127.0.0.1:${port}`),
        upstreamProxy: undefined,
        checkSecurity: true,
        validateRequest: true,
        validateResponse: true,
        mock: { dynamic: false },
        errors: false,
      },
    })
    const url = await proxy.listen(0, '127.0.0.1')
    t.teardown(() => proxy.close())
    return new ContractProxy(node, url)
  }

  /** @param line `GET /v1/me` */
  async call(account: string, line: string, { json, text, headers }: Asked = {}): Promise<Answer> {
    const [method = '', path = ''] = line.split(' ')
    const [type, payload] = json === undefined ? (text ?? []) : ['application/json', JSON.stringify(json)]
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: { ...this.#node.as(account), ...(type === undefined ? {} : { 'content-type': type }), ...headers },
      ...(payload === undefined ? {} : { body: payload }),
    })
    const { status } = response
    const body = await response.text()
    const isJson = /^application\/([a-z.]+\+)?json/.test(response.headers.get('content-type') ?? '')
    this.#note(`${account} ${line}`, method, path, response, body)
    return {
      status,
      headers: Object.fromEntries(response.headers),
      text: body,
      body: isJson && body !== '' ? JSON.parse(body) : undefined,
    }
  }

  #note(told: string, method: string, path: string, { status, headers }: Response, body: string): void {
    const violations = headers.get('sl-violations')
    const isStix = headers.get('content-type')?.startsWith('application/stix+json') === true
    const [name = ''] = path.split('?')
    const route = this.#routes.find(({ operation, pattern }) => operation.method === method && pattern.test(name))
    if (route !== undefined) {
      const { operationId } = route.operation
      this.seen.set(operationId, (this.seen.get(operationId) ?? new Set()).add(status))
    }
    const found = violations === null ? [] : (JSON.parse(violations) as Violation[])
    // Prism has nothing against parameters that the contract does not name.
    const unnamed = body.includes('There is no parameter')
    if (found.length === 0 && body.includes('"code":"invalid_request"') && !unnamed) {
      this.violations.push(`${told} ${status}: it fits, and is refused: ${body}`)
    }
    for (const { location, message } of found) {
      // A request that was meant to be wrong does not fit, and is refused; one that is taken must fit.
      if (location[0] === 'request' && status >= 400) continue
      if (isStix && location[1] === 'body') this.stix.add(`${method} ${name}`)
      else this.violations.push(`${told} ${status}: ${location.join('.')} ${message}`)
    }
  }
}
