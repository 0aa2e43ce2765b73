/** New entries of the feed in a row, a microsecond apart, none of which replaces anything: what a process need not read to know. */
export interface FeedNews {
  readonly first: number
  /** The last three digits of the first one's time in microseconds. */
  readonly slot: number
  /** Handlings of the entries in their order, equal neighbours counted together. */
  readonly handlings: readonly HandlingRun[]
}

export interface HandlingRun {
  readonly handling: number
  readonly count: number
}

/** Notifications may have 8,000 bytes (PostgreSQL manual, NOTIFY); with more runs than that allows it is quicker to read the entries. */
const mostRuns = 300

/** Handlings of new entries as a notification tells them: `7x250,9x1`. Empty where they are too many. */
export function runsText(rows: readonly { readonly handlingId: number }[]): string {
  const runs: { handling: number; count: number }[] = []
  for (const { handlingId } of rows) {
    const last = runs.at(-1)
    if (last?.handling === handlingId) last.count++
    else if (runs.push({ handling: handlingId, count: 1 }) > mostRuns) return ''
  }
  return runs.map(({ handling, count }) => `${handling}x${count}`).join()
}

const form = /^(\d{1,15}) (\d{1,16}) (\d{1,10}x\d{1,10}(?:,\d{1,10}x\d{1,10})*)$/

/**
 * What a notification of the feed says.
 * @param payload the last position, its time in microseconds since 1970, and the runs
 * @returns nothing where it only says that there is something to read
 */
export function newsOf(payload: string): FeedNews | undefined {
  const [, last, micros, runs] = form.exec(payload) ?? []
  if (last === undefined || micros === undefined || runs === undefined) return undefined
  const handlings = runs.split(',').map((run) => {
    const [handling, count] = run.split('x').map(Number)
    return { handling: handling ?? 0, count: count ?? 0 }
  })
  const entries = handlings.reduce((sum, { count }) => sum + count, 0)
  return { first: Number(last) - entries + 1, slot: (Number(micros) - entries + 1) % 1_000, handlings }
}
