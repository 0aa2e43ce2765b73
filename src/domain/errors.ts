/**
 * Every refusal Puente can utter: six kinds (plus `internal`), each with stable codes.
 * `docs/errors.md` lists the same codes; a test compares the two in both directions.
 */

export type FaultKind =
  | 'invalid'
  | 'unauthenticated'
  | 'refused'
  | 'missing'
  | 'conflict'
  | 'too_much'
  | 'unavailable'
  | 'internal'

/** HTTP status for each kind; a code may override it in {@link faultCodes}. */
const statusOfKind: Record<FaultKind, number> = {
  invalid: 400,
  unauthenticated: 401,
  refused: 403,
  missing: 404,
  conflict: 409,
  too_much: 413,
  unavailable: 503,
  internal: 500,
}

interface CodeFacts {
  readonly kind: FaultKind
  readonly status?: number
}

/** Code → kind and, where it differs from the kind's, HTTP status. */
export const faultCodes = {
  // the request as a whole
  malformed: { kind: 'invalid' },
  invalid_request: { kind: 'invalid' },
  unsupported_media_type: { kind: 'invalid', status: 415 },
  not_acceptable: { kind: 'invalid', status: 406 },
  cursor_invalid: { kind: 'invalid' },
  cursor_outdated: { kind: 'invalid', status: 410 },
  cursor_from_future: { kind: 'invalid', status: 410 },
  // one record
  invalid_json: { kind: 'invalid' },
  invalid_text: { kind: 'invalid' },
  duplicate_key: { kind: 'invalid' },
  invalid_record: { kind: 'invalid', status: 422 },
  unknown_type: { kind: 'invalid', status: 422 },
  refused_type: { kind: 'invalid', status: 422 },
  invalid_value: { kind: 'invalid', status: 422 },
  invalid_pattern: { kind: 'invalid', status: 422 },
  object_not_kept: { kind: 'invalid', status: 422 },
  reference_unknown: { kind: 'invalid', status: 422 },
  invalid_csv: { kind: 'invalid' },
  invalid_xml: { kind: 'invalid' },
  invalid_stix: { kind: 'invalid', status: 422 },
  invalid_misp: { kind: 'invalid', status: 422 },
  invalid_binary: { kind: 'invalid', status: 422 },
  time_out_of_range: { kind: 'invalid', status: 422 },
  // handling
  marking_required: { kind: 'invalid', status: 422 },
  marking_unknown: { kind: 'invalid', status: 422 },
  audience_required: { kind: 'invalid', status: 422 },
  audience_unknown: { kind: 'invalid', status: 422 },
  people_required: { kind: 'invalid', status: 422 },
  people_unknown: { kind: 'invalid', status: 422 },
  invalid_handling: { kind: 'invalid', status: 422 },
  handling_profile_unknown: { kind: 'invalid', status: 422 },
  critical_unknown: { kind: 'invalid', status: 422 },
  // webhooks
  endpoint_refused: { kind: 'invalid', status: 422 },
  // peers
  peer_key_refused: { kind: 'invalid', status: 422 },
  home_conflict: { kind: 'conflict' },
  peer_expelled: { kind: 'conflict' },
  // who asks
  credentials_required: { kind: 'unauthenticated' },
  credentials_invalid: { kind: 'unauthenticated' },
  role_required: { kind: 'refused' },
  scope_required: { kind: 'refused' },
  originator_only: { kind: 'refused' },
  not_yours: { kind: 'refused' },
  origin_refused: { kind: 'refused' },
  separation_of_duties: { kind: 'refused' },
  assistance_refused: { kind: 'refused' },
  roles_forbidden: { kind: 'invalid', status: 422 },
  // what is there
  not_found: { kind: 'missing' },
  method_not_allowed: { kind: 'missing', status: 405 },
  already_exists: { kind: 'conflict' },
  version_conflict: { kind: 'conflict' },
  version_outdated: { kind: 'conflict' },
  already_recalled: { kind: 'conflict' },
  too_many_subscriptions: { kind: 'conflict' },
  agreement_immutable: { kind: 'conflict' },
  request_state: { kind: 'conflict' },
  originator_unreachable: { kind: 'conflict' },
  assistance_state: { kind: 'conflict' },
  export_not_ready: { kind: 'conflict' },
  export_outdated: { kind: 'invalid', status: 410 },
  idempotency_key_reused: { kind: 'conflict', status: 422 },
  idempotency_in_progress: { kind: 'conflict' },
  // how much
  body_too_large: { kind: 'too_much' },
  record_too_large: { kind: 'too_much' },
  too_many_values: { kind: 'too_much' },
  too_deep: { kind: 'too_much', status: 422 },
  query_too_costly: { kind: 'too_much', status: 400 },
  rate_limited: { kind: 'too_much', status: 429 },
  headers_too_large: { kind: 'too_much', status: 431 },
  request_incomplete: { kind: 'too_much', status: 408 },
  too_many_streams: { kind: 'too_much', status: 429 },
  consumer_too_slow: { kind: 'too_much', status: 429 },
  // tokens: the codes of RFC 6749 and RFC 9449
  invalid_client: { kind: 'unauthenticated' },
  invalid_scope: { kind: 'invalid' },
  unsupported_grant_type: { kind: 'invalid' },
  invalid_dpop_proof: { kind: 'invalid' },
  // between nodes
  peer_signature_invalid: { kind: 'unauthenticated' },
  // us
  unavailable: { kind: 'unavailable' },
  internal: { kind: 'internal' },
} as const satisfies Record<string, CodeFacts>

export type FaultCode = keyof typeof faultCodes

/** Where in the input a fault lies. Records and bytes (`offset`) count from 0, lines from 1, `pointer` is RFC 6901. */
export interface Position {
  readonly record?: number
  readonly line?: number
  readonly offset?: number
  readonly pointer?: string
}

export interface FaultDetail {
  readonly position?: Position
  /** The policy rule that refused, for `refused` faults. */
  readonly rule?: string
  /** Further faults of the same request (a batch reports all of them). */
  readonly faults?: readonly RecordFault[]
  /** Seconds after which to try again, for `unavailable` and `rate_limited`. */
  readonly retryAfterSeconds?: number
}

/** One fault of one record of a batch, as it stands in a receipt. */
export interface RecordFault {
  readonly position: Position
  readonly code: FaultCode
  readonly message: string
}

/** An error whose code and message may be shown to whoever asked. Its `cause` never leaves the node. */
export class Fault extends Error {
  readonly code: FaultCode
  readonly detail: FaultDetail

  constructor(code: FaultCode, message: string, detail: FaultDetail & { readonly cause?: unknown } = {}) {
    const { cause, ...shown } = detail
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'Fault'
    this.code = code
    this.detail = shown
  }

  get kind(): FaultKind {
    return faultCodes[this.code].kind
  }

  get status(): number {
    const facts: CodeFacts = faultCodes[this.code]
    return facts.status ?? statusOfKind[facts.kind]
  }

  /** The fault as a row of a receipt, at the position given or its own. */
  asRecordFault(position: Position): RecordFault {
    return { position: { ...position, ...this.detail.position }, code: this.code, message: this.message }
  }
}
