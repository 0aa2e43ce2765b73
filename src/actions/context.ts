import type { Directory } from '../domain/directory.ts'
import type { AttemptOutcome } from '../domain/webhook.ts'
import type { Visibility } from '../policy/visibility.ts'
import type { Database } from '../store/database.ts'
import type { LiveColumn } from '../store/live-column.ts'
import type { Networks } from '../store/networks.ts'
import type { Node } from '../store/node.ts'
import type { AuditQueue } from './audit-queue.ts'
import type { BlocklistExpiries } from './blocklist-version.ts'
import type { CurrentPolicy } from './current-policy.ts'
import type { FailedAuthentications } from './failed-authentications.ts'
import type { FederationKeys } from './federation-keys.ts'
import type { KnownIndicators } from './known-indicators.ts'
import type { Lookout } from './lookout.ts'
import type { Meters } from './meters.ts'
import type { Places } from './places.ts'
import type { ProvenKeys } from './proven-keys.ts'
import type { Tokens } from './tokens.ts'
import type { Turns } from './turns.ts'
import type { UnderWay } from './under-way.ts'
import type { Wake } from './wake.ts'
import type { Warninglists } from './warninglists.ts'

/** Where the actions write what an operator should know. */
export interface Log {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

/** A request to another node. */
export interface AskedNode {
  readonly url: string
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  readonly timeoutMs: number
  readonly maxBytes: number
  /** Gives up before its time. */
  readonly signal?: AbortSignal | undefined
}

export interface AnswerOfNode {
  readonly status: number
  /** Names in lower case; of a field that came more than once, all values with commas between (RFC 9110 §5.3). */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** The way out of this node, as `delivery/http.ts` makes it: only where the node may call. */
export interface WayOut {
  /** Why this URL is never called; undefined when it may be tried. */
  refusal(url: string): string | undefined
  /** Sends JSON and reads the answer's status. Never throws. */
  post(url: string, headers: Readonly<Record<string, string>>, body: string): Promise<AttemptOutcome>
  /** Asks another node, and reads its whole answer. Never throws. */
  ask(request: AskedNode): Promise<AnswerOfNode | { readonly error: string }>
}

/** What every action is given: made once at start, by `app.ts` or a test. */
export interface Context {
  readonly database: Database
  readonly node: Node
  readonly policy: CurrentPolicy
  /** Where in the feed what handling stands now. */
  readonly column: LiveColumn
  readonly keys: ProvenKeys
  readonly networks: Networks
  /** What all pushes of this process hold together. */
  readonly turns: Turns
  readonly underWay: UnderWay
  /** What this process has taken, counted. */
  readonly meters: Meters
  /** Readings on their way to the audit log. */
  readonly audit: AuditQueue
  /** Values of indicators in memory, for observations. */
  readonly known: KnownIndicators
  /** The only clock. */
  readonly clock: () => Date
  readonly log: Log
  readonly version: string
  readonly tokens: Tokens
  /** What this node signs with towards its peers. */
  readonly federationKeys: FederationKeys
  readonly warninglists: Warninglists
  /** When blocklists change by themselves. */
  readonly expiries: BlocklistExpiries
  /** Blocklists being sent, and streams of observations being read. */
  readonly sendingBlocklists: Places
  readonly observing: Places
  readonly failures: FailedAuthentications
  /** Whether everybody may read the node's yearly figures, without small numbers. */
  readonly publishesFigures: boolean
  readonly wayOut: WayOut
  /** Tells whoever follows that there may be something for it. */
  readonly wake: Wake
  /** Looks for what other processes changed. */
  readonly lookout: Lookout
}

/** The directory and the decisions as of one policy epoch. */
export interface Standing {
  readonly directory: Directory
  readonly visibility: Visibility
}
