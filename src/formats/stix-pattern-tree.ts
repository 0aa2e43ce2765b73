/** The parse tree of a STIX 2.1 pattern (§9). Chains of one operator are one node with many parts. */
export type Observation =
  | { readonly kind: 'observation'; readonly condition: Condition }
  | { readonly kind: 'and' | 'or' | 'followedby'; readonly parts: readonly Observation[] }
  | { readonly kind: 'qualified'; readonly of: Observation; readonly qualifier: Qualifier }

export type Qualifier =
  | { readonly kind: 'within'; readonly seconds: number }
  | { readonly kind: 'repeats'; readonly times: number }
  | { readonly kind: 'start-stop'; readonly start: string; readonly stop: string }

export type Condition =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Condition[] }
  | { readonly kind: 'exists'; readonly path: string; readonly negated: boolean }
  | Comparison

export interface Comparison {
  readonly kind: 'comparison'
  /** As STIX writes it: `file:hashes.'SHA-256'`, `domain-name:resolves_to_refs[*].value`. */
  readonly path: string
  readonly operator: Operator
  /** NOT, or `!=` (which is read as NOT with `=`). */
  readonly negated: boolean
  /** One literal; several with IN. */
  readonly literals: readonly Literal[]
}

export type Operator = '=' | '<' | '>' | '<=' | '>=' | 'IN' | 'LIKE' | 'MATCHES' | 'ISSUBSET' | 'ISSUPERSET'

export interface Literal {
  readonly kind: 'string' | 'hex' | 'binary' | 'timestamp' | 'number' | 'boolean'
  readonly text: string
}
