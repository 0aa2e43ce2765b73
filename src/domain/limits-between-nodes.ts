/** Limits of what nodes give each other; part of `limits`, by which everything else names them. Units end the names. */
export const limitsBetweenNodes = {
  /** Entries of this node's feed that are sealed in one transaction. */
  sealEntries: 2_000,
  /** Bytes of entries in a page that this node gives: what is taken at most, with room for one large one and the rest. */
  peerPageGivenBytes: 4 * 1024 * 1024,
  /** How long a peer's request may wait for something new. */
  peerWaitSeconds: 30,
  /** Between two looks for whoever waits. */
  peerTickMs: 5_000,
  /** Longest that a request to a peer may take beyond its wait. */
  peerTimeoutMs: 20_000,
  /** Waits after a failure double from a second up to this. */
  peerBackOffSeconds: 15,
  /** And up to this while the peer asks here: the link is there, one way at least. */
  peerHeardBackOffSeconds: 2,
  /** A process that takes from a peer and was not heard of for so long is dead: another does. */
  peerLeaseMs: 15_000,
  /** When the own directory changes, what was not for anybody here is asked for again at most so often. */
  peerRewindSeconds: 600,
  /** Things not applied that are kept of one peer, and their bytes; what comes then is counted alone. */
  quarantineItems: 10_000,
  quarantineBytes: 256 * 1024 * 1024,
  /** After so long without a page of a peer what is here of it is stale. */
  peerStaleSeconds: 300,
  /** Looks for what no organisation here may have any more, when the directory did not change. */
  purgeSeconds: 60,
  /** A peer that rings is heard so often at most. */
  doorbellSeconds: 10,
  /** A peer that did not ask for so long, and was not told, is told that there is something. */
  doorbellAfterSeconds: 60,
  /** Entries at the end of the feed that are looked through for that. */
  doorbellEntries: 1_000,
  /** A peer's description is asked for new keys so often; and so often while taking from it fails. */
  peerKeysSeconds: 3_600,
  peerKeysRetrySeconds: 300,
  /** Until a peer must have confirmed a recall before it counts as overdue. */
  recallOverdueSeconds: 900,
  /** Recalls and withdrawals that are looked through for one page of those that are not confirmed. */
  recallsLooked: 20_000,
  /** A node closes a period of its log and seals a checkpoint so often; what is older than the second is stale. */
  checkpointSeconds: 120,
  checkpointExpirySeconds: 600,
  /** Checkpoints of a peer are asked for so often. */
  checkpointAskSeconds: 60,
  /** Checkpoints that are kept of one node, the newest ones. */
  checkpointsKept: 1_000,
  /** Sizes of a log of which one question asks whether the newest extends them. */
  checkpointProofs: 16,
  /** Checkpoints of one node that one answer gives. */
  checkpointsGiven: 20,
  /** Checkpoints in one answer, of whichever nodes. */
  checkpointEntries: 1_000,
  /** The signed head of an audit log, and its key. */
  auditNoteCharacters: 4_096,
  /** One envelope between nodes: an indicator of the greatest size, its STIX text escaped. */
  envelopeBytes: 2 * 1024 * 1024,
  /** The largest version of an envelope: what a PostgreSQL integer holds. */
  envelopeVersion: 2_147_483_647,
  /** Entries of one page of the feed between nodes, and its bytes. */
  peerPageEntries: 1_000,
  peerPageBytes: 8 * 1024 * 1024,
  /** Relays that something may pass through. */
  peerHops: 8,
  /** Hashes of one audit path: enough for a batch of 2^32. */
  auditPathHashes: 32,
  /** How far ahead of our clock an envelope may be issued and sealed. */
  issuedAheadMs: 60_000,
  /** And how far ahead it waits in quarantine for our clock; what is further is refused. */
  issuedAheadHeldMs: 24 * 60 * 60 * 1000,
  /** How old and how far ahead the signature of a peer's request may be; its nonce is remembered that long. Clocks may be an hour off. */
  peerSignatureWindowSeconds: 3_900,
  /** A new key towards peers is shown so long before it signs: a day, in which they pin it. */
  federationKeyNoticeSeconds: 86_400,
  /** Keys of one node: those that its statement shows, and those that are pinned for it. */
  peerKeys: 20,
  /** A node's statement of itself. */
  statementCharacters: 32_768,
  /** What a reader says when it asks to widen, and an originator when it answers. */
  wideningReasonCharacters: 2_000,
  /** Requests to widen of one organisation that are not answered, and those of a day; and what of one peer is not answered. */
  wideningOpen: 200,
  wideningPerDay: 500,
  wideningOpenPerPeer: 5_000,
  /** After so many days without an answer a request to widen lapses. */
  wideningOpenDays: 90,
  /** Of them, other nodes are told so many at a time. */
  wideningSendings: 20,
  /** What is taken from one peer in an hour, unless its enrolment says otherwise. */
  peerItemsPerHour: 10_000_000,
  peerBytesPerHour: 32 * 1024 * 1024 * 1024,
} as const
