import { CommandError, exitCodes } from './exit.ts'

/** The node that a command talks to, and as whom. */
export interface Target {
  /** Base URL without a slash at its end. */
  readonly url: string
  readonly apiKey?: string
  /** `Puente-Purpose`: what the data is wanted for. */
  readonly purpose?: string
}

export interface Request {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent as it is, with its own media type in `headers`. */
  readonly raw?: Uint8Array | ReadableStream
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer as it came. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** RFC 9457, with Puente's members. */
export interface Problem {
  readonly title?: string
  readonly detail?: string
  readonly code?: string
  readonly rule?: string
}

/** Nothing answered, or it stopped in the middle of an answer. */
export class Unreachable extends CommandError {
  constructor(url: string, cause: unknown) {
    super(exitCodes.unreachable, `${url} does not answer: ${reasonOf(cause)}`, { cause })
    this.name = 'Unreachable'
  }
}

/** Sends a request, whatever the answer is. @throws {Unreachable} */
export async function send(target: Target, path: string, request: Request = {}): Promise<Answer> {
  const { method = 'GET', body, raw, headers } = request
  try {
    const response = await fetch(target.url + path, {
      method,
      headers: {
        ...(target.apiKey === undefined ? {} : { authorization: `Bearer ${target.apiKey}` }),
        ...(target.purpose === undefined ? {} : { 'puente-purpose': target.purpose }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(raw === undefined ? {} : { body: raw, duplex: 'half' }),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // a key must not follow a redirect to another place
      redirect: 'manual',
    } as RequestInit)
    return { status: response.status, headers: response.headers, text: await response.text() }
  } catch (error) {
    throw new Unreachable(target.url, error)
  }
}

/**
 * Sends a request and reads the JSON of its answer.
 * @throws {CommandError} when the node refuses, with its own words; {@link Unreachable}
 */
export async function call<T>(target: Target, path: string, request: Request = {}): Promise<T> {
  const answer = await send(target, path, request)
  if (answer.status >= 300) throw refusal(target, answer)
  return (answer.text === '' ? undefined : parseAnswer(target, answer)) as T
}

/** An answer that is a refusal, as the end of a command. */
export function refusal(target: Target, answer: Answer): CommandError {
  const { title, detail, code, rule } = problemOf(answer)
  if (code === undefined) {
    return new CommandError(
      answer.status >= 500 ? exitCodes.unreachable : exitCodes.refused,
      `${target.url} answered with status ${answer.status} and not as a Puente node does`,
    )
  }
  // what the node says of headers is for those who write them
  const said =
    code === 'credentials_required' ? 'This needs credentials: set PUENTE_API_KEY.' : (detail ?? title ?? 'refused')
  const named = rule === undefined ? code : `${code}, ${rule}`
  return new CommandError(exitCodeOf(answer.status), `${said} (${named})`)
}

/** The problem in an answer; empty when it is none. */
export function problemOf({ text }: Answer): Problem {
  try {
    const problem: unknown = JSON.parse(text)
    return typeof problem === 'object' && problem !== null ? (problem as Problem) : {}
  } catch {
    return {}
  }
}

/** The parts of a path, each escaped: `path('v1', 'accounts', id)`. */
export const path = (...parts: readonly string[]): string => `/${parts.map(encodeURIComponent).join('/')}`

function parseAnswer(target: Target, { text }: Answer): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new CommandError(exitCodes.unreachable, `${target.url} does not answer as a Puente node does`, { cause })
  }
}

function exitCodeOf(status: number) {
  if (status === 401 || status === 403) return exitCodes.unauthorised
  return status === 503 || status === 429 ? exitCodes.unreachable : exitCodes.refused
}

/** fetch says "fetch failed"; why is in the cause, and for several addresses in its parts. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0])
  if (error.cause !== undefined) return reasonOf(error.cause)
  return error.message || error.name
}
