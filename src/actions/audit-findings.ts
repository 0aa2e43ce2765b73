/** What an audit may find wrong. */
export const findingKinds = {
  'leaf-altered': 'the text of a leaf is not what its place in the tree was made from',
  'leaf-missing': 'a place of the tree, or a leaf that waits for one, has no leaf',
  'leaf-stranger': 'a leaf has no place in the tree and does not wait for one',
  'columns-altered': 'the columns beside a leaf say something else than its text',
  'subject-altered': 'what a leaf is about is not what the leaf commits to',
  'place-missing': 'the places of the tree do not follow one another',
  'node-altered': 'a kept inner node is missing, too many, or not the hash of what is below it',
  root: 'the tree of the rows does not have the root that was signed',
  checkpoint: 'a checkpoint is not signed by the key, or says something else than its note',
  unsigned: 'the tree and its newest checkpoint have different sizes',
  extension: 'the log does not extend a checkpoint that was kept outside',
  basis: 'what a decision rested on is missing or altered',
  figures: 'published figures are not those of which the log has the digest',
  decision: 'the policy decides otherwise today about what was given then',
} as const
export type FindingKind = keyof typeof findingKinds

export interface Finding {
  readonly kind: FindingKind
  /** Number of the leaf. */
  readonly leaf?: string
  /** Size of the tree, for checkpoints. */
  readonly size?: number
  readonly sentence: string
}

/** Findings listed; all are counted. */
const listed = 1_000

/** Gathers findings: the first thousand in words, all of them by kind. */
export class Findings {
  readonly list: Finding[] = []
  readonly counts: Partial<Record<FindingKind, number>> = {}

  add(kind: FindingKind, sentence: string, where: Pick<Finding, 'leaf' | 'size'> = {}): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1
    if (this.list.length < listed) this.list.push({ kind, ...where, sentence })
  }

  get total(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0)
  }
}
