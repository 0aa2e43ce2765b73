/** What this process has taken since it began: numbers alone, and nothing of whom or of what. */
export class Meters {
  /** Records of pushes, by any door. */
  readonly records = { accepted: 0, unchanged: 0, rejected: 0 }
  /** Records of streams of observations. */
  observations = 0
}
