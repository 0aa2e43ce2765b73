import { hashLeaf } from '../seal/merkle.ts'
import { commitmentOf } from '../store/audit.ts'
import { type PlaceRow, subjectsOf } from '../store/audit-rows.ts'
import type { Queries } from '../store/database.ts'
import type { DecisionAudit, PastReading } from './audit-decisions.ts'
import type { FiguresAudit } from './audit-figures.ts'
import type { Findings } from './audit-findings.ts'
import type { ReadingSubject } from './reading.ts'

/** Subjects held in memory at once. */
const subjectBytes = 4 * 1024 * 1024

/** What a leaf says, as far as it is checked. */
interface LeafText {
  readonly at: string
  readonly action: string
  readonly actor: string | null
  readonly organisation: string | null
  readonly subject: string
  readonly decision: string
  readonly purpose: string
  readonly requests: readonly string[]
  readonly reader?: string
  readonly world?: string
}

/** Checks leaves one by one: text against place, columns against text, subject against commitment, and the decision. */
export class LeafAudit {
  readonly #findings: Findings
  readonly #decisions: DecisionAudit
  readonly #figures: FiguresAudit
  /** Leaves whose subject was erased, and with it the possibility to ask the policy again. */
  erased = 0

  constructor(findings: Findings, decisions: DecisionAudit, figures: FiguresAudit) {
    this.#findings = findings
    this.#decisions = decisions
    this.#figures = figures
  }

  async check(queries: Queries, rows: readonly PlaceRow[]): Promise<void> {
    const said = new Map<bigint, LeafText>()
    for (const row of rows) {
      const text = this.#checkText(row)
      if (text !== undefined) said.set(row.id, text)
      if (row.leaf !== undefined && row.subjectBytes === undefined) this.erased++
    }
    for (const chunk of chunksOf(rows.filter(({ subjectBytes: bytes }) => bytes !== undefined))) {
      await this.#checkSubjects(queries, chunk, said)
    }
  }

  #checkText({ id, hash, leaf }: PlaceRow): LeafText | undefined {
    const where = { leaf: String(id) }
    if (leaf === undefined) {
      this.#findings.add('leaf-missing', 'the leaf is gone; its place in the tree remembers its hash', where)
      return undefined
    }
    if (!hashLeaf(leaf.text).equals(hash)) {
      this.#findings.add('leaf-altered', 'the text is not what the tree was made from', where)
      return undefined
    }
    const text = parse(leaf.text)
    const fits =
      text !== undefined &&
      text.at === leaf.at.toISOString() &&
      text.action === leaf.action &&
      text.actor === leaf.actor &&
      text.organisation === leaf.organisation &&
      text.decision === leaf.decision &&
      String(text.requests) === String(leaf.requests ?? [])
    if (!fits) this.#findings.add('columns-altered', 'the columns say something else than the text', where)
    return text
  }

  async #checkSubjects(queries: Queries, rows: readonly PlaceRow[], said: ReadonlyMap<bigint, LeafText>) {
    const subjects = await subjectsOf(
      queries,
      rows.map(({ id }) => id),
    )
    const readings: PastReading[] = []
    for (const { id, leaf } of rows) {
      const [text, kept] = [said.get(id), subjects.get(id)]
      if (text === undefined || kept === undefined) continue
      if (commitmentOf(kept.salt, kept.subject) !== text.subject) {
        this.#findings.add('subject-altered', 'what it is about is not what it commits to', { leaf: String(id) })
        continue
      }
      this.#checkReceipt(id, leaf?.receipt ?? null, kept.subject)
      if (text.action === 'read-figures') this.#figures.take(String(id), kept.subject)
      const { at, actor, purpose, reader, world } = text
      if (reader === undefined || world === undefined) continue
      const subject = JSON.parse(kept.subject) as ReadingSubject
      readings.push({ leaf: String(id), at, actor, purpose, reader, world, subject })
    }
    await this.#decisions.ask(queries, readings)
  }

  /** The receipt stands in a column so that it can be looked for; what it is, the subject says. */
  #checkReceipt(id: bigint, receipt: string | null, subject: string): void {
    if (receipt === null || subject.includes(`"receipt":"${receipt}"`)) return
    this.#findings.add('columns-altered', 'the receipt is not that of the subject', { leaf: String(id) })
  }
}

function parse(text: string): LeafText | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as LeafText) : undefined
  } catch {
    // A text that fits its hash and is no JSON was never one of ours: the caller says so.
    return undefined
  }
}

function* chunksOf(rows: readonly PlaceRow[]): Generator<PlaceRow[]> {
  let chunk: PlaceRow[] = []
  let bytes = 0
  for (const row of rows) {
    chunk.push(row)
    bytes += row.subjectBytes ?? 0
    if (bytes < subjectBytes) continue
    yield chunk
    chunk = []
    bytes = 0
  }
  if (chunk.length > 0) yield chunk
}
