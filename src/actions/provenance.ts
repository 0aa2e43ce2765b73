import type { Caller } from '../domain/caller.ts'
import type { Envelope } from '../domain/envelope.ts'
import { canonicalHandling, handlingText } from '../domain/handling.ts'
import type { ReleasedHandling } from '../domain/released.ts'
import type { Tlp } from '../domain/tlp.ts'
import { originatorShown, releasedHandling } from '../policy/release.ts'
import { provenanceOf } from '../store/provenance.ts'
import type { Context, Standing } from './context.ts'
import { uuidOf } from './ids.ts'
import type { ReadInput } from './named-source.ts'
import { absent, findVisible } from './read.ts'
import { verb } from './verb.ts'
import { permittedFor } from './visible.ts'

/** A node, by its id; its name where the caller is enrolled and the node is. */
export interface NamedNode {
  readonly id: string
  readonly name?: string
}

/** Where an indicator came from, and by which way. */
export interface Provenance {
  /** STIX id. */
  readonly id: string
  /** The node at which its originator is at home. */
  readonly node: NamedNode
  /** Whether that is this one. */
  readonly here: boolean
  /** The members below are absent of what was never sealed: it did not leave this node. */
  readonly version?: number
  readonly sealedAt?: string
  /** Of the key that sealed it. */
  readonly key?: string
  /** When it came, where it came from elsewhere. */
  readonly receivedAt?: string
  /** Relays that it passed, as they say it: the last is the one that it came from, unless that is its node itself. */
  readonly hops: readonly { readonly node: NamedNode; readonly from: NamedNode; readonly at: string }[]
  /** The label that its originator sealed, and whether this node holds it to something stricter. */
  readonly sealedTlp?: Tlp
  readonly narrowedHere?: boolean
  /** Its whole handling as its originator sealed it: of the audience what concerns the caller. What this node holds it to stands with it. */
  readonly sealedHandling?: ReleasedHandling
}

/**
 * Nothing of what is anonymous to the caller: the node that it comes from, a seal's key and the relays would say who the source is.
 * @throws {Fault} `not_found` alike for what does not exist and for what the caller may not see
 */
export const readProvenance = verb(
  'read-provenance',
  async (context: Context, caller: Caller, input: ReadInput, standing): Promise<Provenance> => {
    const permitted = permittedFor(context, caller, standing)
    const { id, originator, handlingId } = await findVisible(context, caller, standing, permitted, input)
    const held = standing.visibility.handling(handlingId)
    if (held === undefined || !originatorShown(caller.reader, held)) throw absent()
    const named = nodeNames(context, caller, standing)
    const row = await provenanceOf(context.database, { stixId: uuidOf(id) ?? '', originator })
    if (row === undefined) return { id, node: named(context.node.id), here: true, hops: [] }
    const { handling } = JSON.parse(row.body) as Envelope
    const same = handling !== null && textOf(handling) === textOf(held)
    return {
      id,
      node: named(row.node),
      here: row.node === context.node.id,
      version: row.version,
      sealedAt: row.sealedAt.toISOString(),
      key: row.thumbprint,
      ...(row.receivedFrom === null ? {} : { receivedAt: row.at.toISOString() }),
      hops: row.hops.map(({ node, from, at }) => ({ node: named(node), from: named(from), at })),
      ...(handling === null
        ? {}
        : { sealedTlp: handling.tlp, sealedHandling: releasedHandling(handling, caller.reader) }),
      narrowedHere: !same,
    }
  },
)

const textOf = (handling: Parameters<typeof canonicalHandling>[0]): string =>
  handlingText(canonicalHandling({ ...handling, people: [] }))

export const nodeNames =
  ({ node }: Context, { reader }: Caller, { directory }: Standing) =>
  (id: string): NamedNode => {
    const own = node.id === id ? directory.organisations.get(directory.operator ?? '')?.name : undefined
    const name = reader.account === undefined ? undefined : (own ?? directory.peers.get(id)?.name)
    return { id, ...(name === undefined ? {} : { name }) }
  }
