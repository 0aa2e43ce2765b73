import { Agent, request } from 'node:http'

/** A client as lean as node:http allows: kept-alive connections, the answer read and thrown away but for its size. */
export class Client {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 8 })
  readonly #base: string

  constructor(base: string) {
    this.#base = base
  }

  /** @returns the body, when asked to keep it; otherwise nothing. @throws when the status is not 200, or the one given */
  send(
    path: string,
    options: {
      readonly headers?: Record<string, string>
      readonly body?: Buffer | string
      readonly keep?: boolean
      readonly status?: number
    } = {},
  ): Promise<string> {
    return new Promise((resolve, reject) => {
      const expected = options.status ?? 200
      const method = options.body === undefined ? 'GET' : 'POST'
      const sent = request(
        this.#base + path,
        { agent: this.#agent, method, headers: options.headers ?? {} },
        (answer) => {
          const chunks: Buffer[] = []
          answer.on('data', (chunk: Buffer) => {
            if (options.keep === true || answer.statusCode !== expected) chunks.push(chunk)
          })
          answer.on('error', reject)
          answer.on('end', () => {
            const text = Buffer.concat(chunks).toString()
            if (answer.statusCode === expected) resolve(text)
            else reject(new Error(`${method} ${path}: ${answer.statusCode} ${text.slice(0, 400)}`))
          })
        },
      )
      sent.on('error', reject)
      sent.end(options.body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}
