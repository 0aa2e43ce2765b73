import { limitsBetweenNodes } from './limits-between-nodes.ts'

/** Every size and time limit, in one place. Units end the names. Configuration may lower or raise those it names. */
export const limits = {
  /** One record of a stream (a line, an array element, a STIX object). */
  recordBytes: 1024 * 1024,
  /** What is kept of one record as an indicator: a page of a thousand must fit into memory. Rules of real events reach 58,000. */
  indicatorCharacters: 131_072,
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
  /** Of a push's first batch, and the next have half as many again: until one is prepared the database has nothing to do. */
  firstBatchRecords: 250,
  batchBytes: 1024 * 1024,
  /**
   * Batches of all pushes between their first draft and their commit. One is written at a time: with four, now the database and now this
   * process waited for the other.
   */
  batchesAtOnce: 8,
  /** Longest that drafts of a sender that pauses wait for more of them. */
  gatherMs: 250,
  /** Pushes open at once in one process, each holding a slice of its body; and of one account among them. */
  pushesAtOnce: 128,
  pushesAtOnceOfAccount: 64,
  /** Faults listed in one receipt; the rest is counted. */
  faultsListed: 10_000,
  /** Header of a Shadowserver report: each row keeps it beside it. */
  reportHeaderCharacters: 8_192,
  /** Columns that a mapping of CSV may name. */
  mappedColumns: 256,
  pageRecords: 1_000,
  pageRecordsDefault: 100,
  lookupValues: 10_000,
  /** Matches in one look-up answer. */
  lookupMatches: 20_000,
  valueCharacters: 8_192,
  textCharacters: 65_536,
  labels: 64,
  /** Tags of a MISP event, and attributes and objects of one that are given out. */
  mispTags: 512,
  mispParts: 20_000,
  /** Of what is in the events that are read at once. */
  mispEventBytes: 32 * 1024 * 1024,
  /** Events read at once; an answer of more is read page by page while it is sent. */
  mispEvents: 20,
  /** How far pages of attributes reach, by number. */
  mispOffset: 10_000,
  /** What a client of MISP may send at once. */
  mispBodyBytes: 16 * 1024 * 1024,
  labelCharacters: 256,
  audienceItems: 1_000,
  observablesPerIndicator: 1_000,
  patternCharacters: 262_144,
  patternDepth: 64,
  /** How long a follower may stay away before its cursor is outdated, if what it may see has changed since: thirty days. */
  feedViewsKeptMs: 30 * 24 * 60 * 60 * 1000,
  /** Communities that one follower may ask for. */
  communitiesFollowed: 30,
  /** Streams open in one process, of one account or address of the public, and subscriptions of one socket. */
  streams: 10_000,
  streamsPerAccount: 100,
  subscriptionsPerSocket: 20,
  /** Changes in one page of a stream, and changes that wait in memory for a reader that is at work; then it reads on from its cursor. */
  streamPage: 100,
  streamQueue: 500,
  /** Of a reader of a stream that takes nothing of what waits for it. */
  streamStallMs: 10_000,
  /** Between two signs of life on a stream. */
  heartbeatMs: 15_000,
  /** Between two looks at the clock for whoever follows; what is told at once does not wait for it. */
  followTickMs: 500,
  /** Between two looks at whether credentials of open streams still stand. */
  credentialsLookMs: 2_000,
  /** Until a socket for subscriptions must have said who it is. */
  connectionInitMs: 3_000,
  /** One message of such a socket, its messages in a minute, and what may wait for its reader before it is closed. */
  socketMessageBytes: 131_072,
  socketMessagesPerMinute: 600,
  socketQueueBytes: 16 * 1024 * 1024,
  graphqlDepth: 8,
  graphqlCost: 10_000,
  graphqlTokens: 2_000,
  graphqlAliases: 30,
  requestsPerMinute: 1_000,
  /** Until a request must have arrived whole: a stream may take that long, everything else has `bodyTimeoutMs`. */
  requestTimeoutMs: 3_600_000,
  /** Of a connection on which nothing moves in either direction while it is the client's turn. */
  connectionTimeoutMs: 30_000,
  connections: 2_000,
  /** Of one address; proxies that are trusted are not counted. */
  connectionsPerAddress: 500,
  /** Until a request's headers must be there, and until a new connection must say something. */
  headersTimeoutMs: 20_000,
  /** Until a body that is no stream must have arrived. */
  bodyTimeoutMs: 30_000,
  /** While a stream keeps the node waiting for this long, at least so many bytes must have come. */
  slowBodyMs: 30_000,
  slowBodyBytes: 1_024,
  /** What is left of a body after its answer was sent is waited for so long. */
  lingerMs: 5_000,
  /** Of an idle connection between two requests; longer than what proxies keep (nginx: 60 s). */
  keepAliveTimeoutMs: 72_000,
  /** From this mean delay of the event loop, twice in a row, requests are turned away. */
  eventLoopDelayMs: 1_000,
  /** From so many queries that wait for a connection, requests are turned away. */
  databaseWaiting: 1_000,
  databaseConnectTimeoutMs: 10_000,
  /** How long a node that stops waits for what is under way before the database goes. */
  endingMs: 10_000,
  /** Readings waiting for the audit log; when there are more, readers wait. */
  auditQueueLeaves: 10_000,
  auditQueueBytes: 16 * 1024 * 1024,
  /** Leaves written by one statement. */
  auditBatchLeaves: 500,
  auditBatchBytes: 4 * 1024 * 1024,
  /** Longest an ordinary reading waits in memory while the log can be written. */
  auditFlushMs: 50,
  /** Longest a reader waits for the audit log before it is refused. */
  auditWaitMs: 5_000,
  /** Leaves taken into the tree by one transaction. */
  treeBatchLeaves: 2_000,
  /** One JWT: token, assertion or proof. */
  tokenCharacters: 8_192,
  /** Life of an access token of this node. */
  tokenLifetimeSeconds: 300,
  /** How far ahead a client's assertion may end (RFC 7523). */
  assertionLifetimeSeconds: 300,
  /** How far clocks of others may be off. */
  clockSkewSeconds: 10,
  /** Verified tokens that one process remembers. */
  tokensCached: 10_000,
  /** How old the last look at revoked tokens may be. */
  revocationAgeMs: 2_000,
  /** How old a DPoP proof may be (RFC 9449). */
  proofAgeSeconds: 60,
  /** Proofs that one process remembers, so that none is used twice; when there is no room proofs are refused. */
  proofsRemembered: 200_000,
  clientKeysPerAccount: 10,
  /** Of one organisation. */
  handlingProfiles: 100,
  /** After so many days a new key signs tokens. */
  signingKeyDays: 30,
  /** A new signing key is shown so long before it signs. */
  signingKeyNoticeSeconds: 600,
  /** Keys of an external issuer are fetched again after this. */
  keySetAgeSeconds: 600,
  /** And at most so often when a token names one that is not known. */
  keySetRetrySeconds: 30,
  /** How long they are used while the issuer cannot be reached. */
  keySetStaleSeconds: 3_600,
  /** Keys read from one key set. */
  keySetKeys: 100,
  outboundTimeoutMs: 10_000,
  /** After so long without a byte the other end is asked whether it is there, each second; ten times in vain end the connection. */
  outboundKeepAliveMs: 5_000,
  outboundBytes: 8 * 1024 * 1024,
  /** Credentials of one address that may fail in a minute; then only those that were good before are looked at. */
  failedAuthenticationsPerMinute: 30,
  /** Addresses whose failures are counted, and credentials known to be good, in one process. */
  failingAddresses: 10_000,
  /** One record of a stream of observations: a value of the longest kind, escaped. */
  observationBytes: 65_536,
  /** Indicators that one observation may match; the nearest and newest count. */
  observationMatches: 100,
  /** Different things counted in memory before they are written. */
  observationRows: 65_536,
  /** Streams of observations at once in one process, and of one account among them. */
  observationStreams: 64,
  observationStreamsOfAccount: 16,
  /** Indicators told apart in the totals of one stream. */
  observationIndicators: 1_000_000,
  /** Hours before and after now that an observation may lie in. */
  observationPastHours: 744,
  observationFutureHours: 1,
  /** Values of one blocklist; they are sorted by the database and named by 16 bytes each while it is sent. */
  blocklistValues: 1_000_000,
  /** Of them read, decided and recorded at once. */
  blocklistBatch: 4_000,
  /** Blocklists being sent by one process, and to one account among them. */
  blocklistsAtOnce: 64,
  blocklistsAtOnceOfAccount: 16,
  /** Saved blocklists of one account, and usable keys of one of them. */
  blocklistsPerAccount: 100,
  keysPerBlocklist: 5,
  /** Entries of all warninglists together; characters of one. */
  warninglistEntries: 2_000_000,
  warninglistEntryCharacters: 1_024,
  /** Values that one request may hold against warninglists. */
  warninglistValues: 1_000,
  webhooksPerAccount: 20,
  webhookUrlCharacters: 2_048,
  /** One delivery; a change that is larger goes alone. */
  webhookBodyBytes: 1024 * 1024,
  /** Dead letters kept for one endpoint; it is paused before there are more. And how long each is kept. */
  webhookDeadLetters: 100,
  webhookDeadLetterDays: 30,
  /** An endpoint that took nothing for so long is paused. */
  webhookFailingHours: 120,
  /** The longest `Retry-After` that is honoured. */
  webhookRetryAfterSeconds: 86_400,
  /** How long a replaced secret goes on signing beside the new one, unless the owner says otherwise; and at most. */
  webhookOldSecretSeconds: 86_400,
  webhookOldSecretSecondsMost: 604_800,
  /** Deliveries under way in one process, and to the endpoints of one account and of one organisation in all processes. */
  webhookSendsAtOnce: 128,
  webhookSendsOfAccount: 4,
  webhookSendsOfOrganisation: 32,
  /** Deliveries to one endpoint before others have their turn, and how long they may take. */
  webhookSendsInARow: 20,
  webhookTurnMs: 2_000,
  /** Pages in which an endpoint's filter finds nothing, before others have their turn. */
  webhookEmptyPages: 20,
  /** A process that was not heard of for so long is dead: others send in its place. */
  webhookLeaseMs: 5_000,
  /** Most that a compressed body may grow by. */
  inflation: 200,
  /** How often one sighting may say that something was seen (STIX 2.1 §5.2). */
  sightingCount: 999_999_999,
  /** Different handlings under which one organisation may say something of one indicator. */
  sightingHandlings: 8,
  /** Sightings listed of one indicator, the latest; sums are of all. */
  sightingsListed: 1_000,
  /** Indicators whose reports are in memory together: an indicator has as many as organisations spoke of it. */
  reportedTogether: 100,
  /** One body sent to a TAXII collection, and objects in it. */
  collectionBytes: 10 * 1024 * 1024,
  collectionObjects: 10_000,
  /** How long what became of it can be asked for. */
  collectionStatusKeptMs: 24 * 60 * 60 * 1000,
  /** Objects that one request of a collection looks at in search of versions; and ids that it may name. */
  collectionScan: 10_000,
  collectionIds: 100,
  /** Related indicators of one kind, at most and when nothing is said. */
  relatedOfKind: 50,
  relatedOfKindDefault: 10,
  /** Observables of one indicator by which related ones are looked for. */
  relatedObservables: 10,
  /** A partner is asked for something within so many days, about so many indicators. */
  assistanceDays: 366,
  assistanceIndicators: 100,
  /** What one side may say in notes and answers of one legal request or asking: every view of it has them all. Each counts as 500 at least. */
  saidCharacters: 100_000,
  /** Within so many days it is decided whether somebody is told who a source is. */
  attributionDays: 30,
  /** What an organisation asks of others and waits for, of each kind: assistance, words to sources, who they are. */
  openAskings: 200,
  ...limitsBetweenNodes,
  /** Other objects that one STIX object may name. */
  objectReferences: 5_000,
  /** STIX objects committed in one transaction, and characters of them. */
  objectBatch: 250,
  objectBatchCharacters: 1024 * 1024,
  /** Characters of one push that wait for what they refer to. */
  objectsWaitingCharacters: 1024 * 1024,
  /** Text of one page of STIX objects, and references looked at for it; a page always has one object. */
  objectPageBytes: 8 * 1024 * 1024,
  objectPageReferences: 10_000,
  /** Ids that are read together to tell which parts of objects are there; one object names no more of them. */
  objectPartsTogether: 100_000,
  /** A legal request ends within so many days, its texts are so long, and one account has so many that are not filed. */
  legalRequestDays: 366,
  legalTextCharacters: 16_384,
  legalDraftsPerAccount: 100,
  /** Values in the scope of one, and items of its other lists. */
  legalScopeValues: 1_000,
  legalScopeItems: 100,
  /** Within so many hours a liaison confirms that it deleted what was taken back. */
  legalConfirmHours: 96,
  /** Indicators that one hold keeps, and holds ended by one transaction. */
  holdItems: 50_000,
  holdsEndedTogether: 100,
  /** A hold is listed as ending so many days before. */
  holdNoticeDays: 14,
  /** Rules of retention, the days they may say, and what one transaction purges of each kind. */
  retentionRules: 100,
  retentionDays: 36_500,
  purgeBatch: 500,
  /** Yearly figures begin here, and leave out numbers below this where they are published. */
  figuresFirstYear: 2020,
  figuresLeast: 5,
  /** Indicators in one package, and of them decided and written at once. */
  exportItems: 50_000,
  exportBatch: 500,
  /** How often the content may change under an export before it is given up. */
  exportAttempts: 5,
  /** A process that works on an export and was not heard of for so long is dead. */
  exportLeaseMs: 30_000,
  /** Exports of one account that are made or wait to be fetched, and how long they wait. */
  exportsPerAccount: 10,
  exportKeptDays: 7,
  /** A package, unpacked, as it is checked. */
  exportBytes: 1024 * 1024 * 1024,
} as const
