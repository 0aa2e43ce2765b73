import { createHash } from 'node:crypto'
import type { Queries } from '../store/database.ts'
import { allPublishedFigures } from '../store/figures.ts'
import type { Findings } from './audit-findings.ts'

/** Holds the figures that are published against what the log says was published (ADR 37). */
export class FiguresAudit {
  readonly #findings: Findings
  /** Year → digest, and the leaf that says so. */
  readonly #said = new Map<number, { readonly digest: string; readonly leaf: string }>()

  constructor(findings: Findings) {
    this.#findings = findings
  }

  /** Takes what a leaf of `read-figures` was about; of a year that was published twice the first time counts, as nobody may replace it. */
  take(leaf: string, subject: string): void {
    const { published, digest } = JSON.parse(subject) as { published?: number; digest?: string }
    if (published === undefined || digest === undefined || this.#said.has(published)) return
    this.#said.set(published, { digest, leaf })
  }

  /** @param pending leaves that have no place yet and were not taken: one of them may be of what was just published */
  async finish(queries: Queries, pending: number): Promise<void> {
    const kept = new Map((await allPublishedFigures(queries)).map(({ year, figures }) => [year, digestOf(figures)]))
    for (const [year, { digest, leaf }] of this.#said)
      if (kept.get(year) !== digest)
        this.#findings.add('figures', `of ${year} other figures are there than were published, or none`, { leaf })
    for (const year of kept.keys())
      if (pending === 0 && !this.#said.has(year))
        this.#findings.add('figures', `that those of ${year} were published is not on the log`)
  }
}

export const digestOf = (figures: string): string => createHash('sha256').update(figures).digest('hex')
