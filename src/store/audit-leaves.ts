import type { Queries } from './database.ts'
import { Parameters } from './visible.ts'

/** A leaf as the log keeps it; `subject` and `salt` where they were asked for and are not erased. */
export interface StoredLeaf {
  readonly id: bigint
  readonly at: Date
  readonly text: string
  /** Absent while it has no place in the tree. */
  readonly index?: number
  readonly subject?: string
  readonly salt?: Buffer
}

/** Which leaves; members join by AND. */
export interface LeafFilter {
  /** Absent: of everybody. */
  readonly by?: { readonly actor: string } | { readonly organisation: string }
  /** The account whose own leaves come with their subjects. */
  readonly subjectsOf: string
  readonly id?: bigint
  readonly action?: string
  /** UUID of a push. */
  readonly receipt?: string
  /** UUID of a legal request that they rest on. */
  readonly request?: string
  /** Numbers above this one, the oldest first. */
  readonly after?: bigint
  /** ISO 8601: from (inclusive), to (exclusive). */
  readonly since?: string
  readonly until?: string
  /** Numbers below this one. */
  readonly before?: bigint
}

/** The newest leaves first, unless they are asked for after a number. */
export async function leavesOf({ client }: Queries, filter: LeafFilter, limit: number): Promise<StoredLeaf[]> {
  const parameters = new Parameters()
  const subjectsOf = parameters.add(filter.subjectsOf)
  const conditions = ['true']
  const when = (condition: string, value: unknown, type: string) => {
    if (value !== undefined) conditions.push(`${condition} ${parameters.add(value)}::${type}`)
  }
  const { by, id, action, receipt, request, after, since, until, before } = filter
  when('l.actor =', by !== undefined && 'actor' in by ? by.actor : undefined, 'text')
  when('l.organisation =', by !== undefined && 'organisation' in by ? by.organisation : undefined, 'text')
  when('l.id =', id === undefined ? undefined : String(id), 'bigint')
  when('l.action =', action, 'text')
  when('l.receipt =', receipt, 'uuid')
  when('l.id >', after === undefined ? undefined : String(after), 'bigint')
  when('l.at >=', since, 'timestamptz')
  when('l.at <', until, 'timestamptz')
  when('l.id <', before === undefined ? undefined : String(before), 'bigint')
  // Found by their request, then put in order: the other way the log would be read from its beginning (`offset 0` keeps the planner from it).
  const from =
    request === undefined
      ? 'audit_leaf'
      : `(select * from audit_leaf where requests @> ${parameters.add([request])}::uuid[] offset 0)`
  const order = after === undefined ? 'desc' : 'asc'
  const { rows } = await client.query<LeafRow>(
    `select l.id, l.at, l.leaf as text, t.index, s.salt, s.subject
     from (select * from ${from} l where ${conditions.join(' and ')} order by l.id ${order} limit ${parameters.add(limit)}) l
     left join audit_tree t on t.leaf = l.id
     left join audit_subject s on s.leaf = l.id and l.actor = ${subjectsOf}::text
     order by l.id ${order}`,
    parameters.values,
  )
  return rows.map(({ id: number, at, text, index, salt, subject }) => ({
    ...{ id: number, at, text },
    ...(index === null ? {} : { index: Number(index) }),
    ...(salt === null || subject === null ? {} : { salt, subject }),
  }))
}

interface LeafRow {
  readonly id: bigint
  readonly at: Date
  readonly text: string
  readonly index: bigint | null
  readonly salt: Buffer | null
  readonly subject: string | null
}

/** The place of the leaf with this hash. */
export async function indexOfHash({ client }: Queries, hash: Buffer): Promise<number | undefined> {
  const { rows } = await client.query<{ index: bigint }>('select index from audit_tree where hash = $1 limit 1', [hash])
  return rows[0] === undefined ? undefined : Number(rows[0].index)
}
