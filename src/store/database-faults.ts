import { Fault } from '../domain/errors.ts'

/**
 * Classes of SQLSTATE that say nothing about the request: connection (08), resources and disk (53), operator intervention
 * (57), the system below (58); and single codes: a lock not to be had, a transaction to be tried again, a server that only reads.
 */
const unavailableClasses = new Set(['08', '53', '57', '58'])
const unavailableCodes = new Set(['55P03', '40001', '40P01', '25006'])

/** The network's own codes, as Node names them. */
const networkCodes = new Set(['EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN'])

/** What `pg` says without a code when its connection is gone, or none is to be had. */
const lostMessages = ['Connection terminated', 'Client has encountered a connection error', 'Client was closed']

/**
 * What went wrong in the database, in words that may be shown; undefined when the error is none of those known.
 * Messages of the database itself never leave.
 */
export function databaseFault(error: unknown): Fault | undefined {
  const root = rootOf(error)
  if (root === undefined) return undefined
  const { code = '', message, syscall } = root
  if (code === '23505') return new Fault('already_exists', 'There is one already.', { cause: error })
  if (code === 'PU001')
    return new Fault('agreement_immutable', 'An agreement is never edited, only ended.', { cause: error })
  if (
    isUnavailable(code) ||
    (code === 'ENOENT' && syscall === 'connect') ||
    message.includes('timeout exceeded') ||
    lostMessages.some((each) => message.startsWith(each))
  ) {
    return new Fault('unavailable', 'The database cannot answer just now; try again.', {
      cause: error,
      retryAfterSeconds: 2,
    })
  }
  return undefined
}

const isUnavailable = (code: string): boolean =>
  (code.length === 5 && unavailableClasses.has(code.slice(0, 2))) ||
  unavailableCodes.has(code) ||
  networkCodes.has(code) ||
  code.startsWith('ECONN')

/** drizzle wraps the driver's errors: the one with the code is the cause. */
function rootOf(error: unknown): Root | undefined {
  if (!(error instanceof Error)) return undefined
  if (!('code' in error) && error.cause instanceof Error) return rootOf(error.cause)
  return error as Root
}

interface Root {
  readonly code?: string
  readonly message: string
  /** Of the network's errors; a missing socket and a missing file have the same code. */
  readonly syscall?: string
}
