/** One job as a ratio to its limit, both measured in the same run. A ratio of 1 is the limit itself. */
export interface Line {
  readonly name: string
  /** What the node reached, in `unit`. */
  readonly value: number
  /** What nothing of ours could exceed here, in the same unit. */
  readonly limit: number
  readonly ratio: number
  readonly aim: number
  readonly ok: boolean
  readonly unit: string
}

/** A rate: more is better. */
export const rate = (name: string, unit: string, value: number, limit: number, aim: number): Line =>
  line(name, unit, value, limit, value / limit, aim)

/** A cost (milliseconds, MiB): less is better, and the ratio says how much of the allowance is left over or exceeded. */
export const cost = (name: string, unit: string, value: number, limit: number, aim: number): Line =>
  line(name, unit, value, limit, limit / value, aim)

function line(name: string, unit: string, value: number, limit: number, ratio: number, aim: number): Line {
  const shown = {
    value: Number(value.toPrecision(4)),
    limit: Number(limit.toPrecision(4)),
    ratio: Number(ratio.toFixed(3)),
  }
  return { name, ...shown, aim, ok: shown.ratio >= aim, unit }
}

export const lineText = ({ name, value, limit, ratio, aim, ok, unit }: Line): string =>
  `${ok ? ' ' : '!'} ${name.padEnd(46)} ${String(value).padStart(9)} ${unit.padEnd(9)} limit ${String(limit).padStart(9)}  ratio ${ratio.toFixed(2)}  aim ${aim}`

/**
 * Runs of both in turn, so that a machine that slows down slows both; the first of each are not counted, as a server that runs is measured,
 * not one that starts.
 * @param cold how many are not counted
 * @returns the median of each, in runs a second
 */
export async function inTurn(
  rounds: number,
  repeat: number,
  ours: () => Promise<unknown>,
  theirs: () => Promise<unknown>,
  cold: number = repeat,
): Promise<{ readonly ours: number; readonly theirs: number }> {
  const times = { ours: [] as number[], theirs: [] as number[] }
  await repeated(cold, ours)
  await repeated(cold, theirs)
  for (let round = 0; round < rounds; round++) {
    times.ours.push(await secondsOf(() => repeated(repeat, ours)))
    times.theirs.push(await secondsOf(() => repeated(repeat, theirs)))
  }
  return { ours: repeat / median(times.ours), theirs: repeat / median(times.theirs) }
}

export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1_000
}

async function repeated(times: number, work: () => Promise<unknown>): Promise<void> {
  for (let n = 0; n < times; n++) await work()
}

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
