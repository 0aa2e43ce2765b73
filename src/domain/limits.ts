/** Every size and time limit, in one place. Units end the names. Configuration may lower or raise those it names. */
export const limits = {
  /** One record of a stream (a line, an array element, a STIX object). */
  recordBytes: 1024 * 1024,
  /** A body that must be read whole (a JSON document that is not a stream). */
  documentBytes: 64 * 1024 * 1024,
  /** A document that must be read twice (STIX bundle, MISP event), kept in a temporary file meanwhile. */
  keptBytes: 2 * 1024 * 1024 * 1024,
  /** A request body of the directory and other small doors. */
  bodyBytes: 1024 * 1024,
  /** Nesting of JSON. */
  jsonDepth: 64,
  /** Records committed in one transaction: 5,000 were 10 % faster, and took the process from 270 to 460 MB. */
  batchRecords: 1_000,
  batchBytes: 1024 * 1024,
  /** Faults listed in one receipt; the rest is counted. */
  faultsListed: 10_000,
  pageRecords: 1_000,
  pageRecordsDefault: 100,
  lookupValues: 10_000,
  /** Matches in one look-up answer. */
  lookupMatches: 20_000,
  valueCharacters: 8_192,
  textCharacters: 65_536,
  labels: 64,
  labelCharacters: 256,
  audienceItems: 1_000,
  observablesPerIndicator: 1_000,
  patternCharacters: 262_144,
  patternDepth: 64,
  graphqlDepth: 8,
  graphqlCost: 10_000,
  graphqlTokens: 2_000,
  graphqlAliases: 30,
  requestsPerMinute: 1_000,
  requestTimeoutMs: 3_600_000,
  connectionTimeoutMs: 30_000,
  connections: 2_000,
  /** One record of a stream of observations: a value of the longest kind, escaped. */
  observationBytes: 65_536,
  /** Indicators that one observation may match; the nearest and newest count. */
  observationMatches: 100,
  /** Different things counted in memory before they are written. */
  observationRows: 65_536,
  /** Streams of observations at once. */
  observationStreams: 64,
  /** Indicators told apart in the totals of one stream. */
  observationIndicators: 1_000_000,
  /** Hours before and after now that an observation may lie in. */
  observationPastHours: 744,
  observationFutureHours: 1,
  /** Most that a compressed body may grow by. */
  inflation: 200,
} as const
