import type { ActionName } from '../../src/domain/action-names.ts'

/**
 * The rule of each field of `schema.graphql`: the actions that are asked for it. A new field needs an entry here; a test holds the
 * entries against the schema and against what the resolvers really ask.
 */

/** What each root field asks. */
export const rootRules: Readonly<Record<string, readonly ActionName[]>> = {
  'Query.indicators': ['search'],
  'Query.indicator': ['read'],
  'Query.lookup': ['lookup'],
  'Query.explain': ['explain'],
  'Query.history': ['history'],
  'Query.node': ['read', 'list-organisations', 'list-communities', 'list-accounts', 'list-agreements', 'whoami'],
  'Query.changes': ['follow'],
  'Query.observations': ['read-observations'],
  'Mutation.observe': ['observe'],
  'Query.sightings': ['read-sightings'],
  'Query.related': ['list-related'],
  'Query.provenance': ['read-provenance'],
  'Query.holders': ['read-holders'],
  'Query.outstandingRecalls': ['list-outstanding-recalls'],
  'Query.wideningRequests': ['list-widening'],
  'Query.wideningRequest': ['read-widening'],
  'Mutation.askWidening': ['ask-widening'],
  'Mutation.acceptWidening': ['accept-widening'],
  'Mutation.refuseWidening': ['refuse-widening'],
  'Mutation.withdrawWidening': ['withdraw-widening'],
  'Query.peers': ['list-peers'],
  'Query.peer': ['read-peer'],
  'Query.quarantine': ['list-quarantine'],
  'Query.quarantined': ['read-quarantined'],
  'Mutation.addPeer': ['add-peer'],
  'Mutation.amendPeer': ['amend-peer'],
  'Mutation.expelPeer': ['expel-peer'],
  'Mutation.pinPeerKey': ['pin-peer-key'],
  'Mutation.revokePeerKey': ['revoke-peer-key'],
  'Mutation.rotateNodeKey': ['rotate-node-key'],
  'Mutation.pullPeer': ['pull-peer'],
  'Mutation.releaseQuarantined': ['release-quarantined'],
  'Mutation.dropQuarantined': ['drop-quarantined'],
  'Query.stixObjects': ['list-objects'],
  'Query.stixObject': ['read-object'],
  'Query.stixObjectVersions': ['list-object-versions'],
  'Mutation.recallStixObject': ['recall-object'],
  'Mutation.sight': ['sight'],
  'Query.statistics': ['statistics'],
  'Query.me': ['whoami'],
  'Query.organisations': ['list-organisations'],
  'Query.organisation': ['list-organisations'],
  'Query.clients': ['list-clients'],
  'Query.accounts': ['list-accounts'],
  'Query.keys': ['list-keys'],
  'Query.clientKeys': ['list-client-keys'],
  'Query.identities': ['list-identities'],
  'Query.communities': ['list-communities'],
  'Query.agreements': ['list-agreements'],
  'Query.blocklists': ['list-blocklists'],
  'Query.warninglists': ['list-warninglists'],
  'Query.checkWarninglists': ['check-warninglists'],
  'Query.webhooks': ['list-subscriptions'],
  'Query.webhook': ['read-subscription'],
  'Query.deadLetters': ['list-dead-letters'],
  'Mutation.createWebhook': ['create-subscription'],
  'Mutation.amendWebhook': ['amend-subscription'],
  'Mutation.removeWebhook': ['remove-subscription'],
  'Mutation.rotateWebhookSecret': ['rotate-webhook-secret'],
  'Mutation.pingWebhook': ['ping-subscription'],
  'Mutation.replayDeadLetters': ['replay-dead-letters'],
  'Query.assistanceList': ['list-assistance'],
  'Query.assistance': ['read-assistance'],
  'Mutation.askAssistance': ['ask-assistance'],
  'Mutation.acceptAssistance': ['accept-assistance'],
  'Mutation.declineAssistance': ['decline-assistance'],
  'Mutation.answerAssistance': ['answer-assistance'],
  'Mutation.closeAssistance': ['close-assistance'],
  'Mutation.withdrawAssistance': ['withdraw-assistance'],
  'Mutation.annotateAssistance': ['annotate-assistance'],
  'Query.replies': ['list-replies'],
  'Query.reply': ['read-reply'],
  'Mutation.sendReply': ['send-reply'],
  'Mutation.answerReply': ['answer-reply'],
  'Query.attributionRequests': ['list-attribution'],
  'Query.attributionRequest': ['read-attribution'],
  'Mutation.askAttribution': ['ask-attribution'],
  'Mutation.approveAttribution': ['approve-attribution'],
  'Mutation.refuseAttribution': ['refuse-attribution'],
  'Mutation.withdrawAttribution': ['withdraw-attribution'],
  'Query.legalRequests': ['list-requests'],
  'Query.legalRequest': ['read-request'],
  'Query.disclosures': ['list-disclosures'],
  'Query.figures': ['read-figures'],
  'Query.retention': ['list-retention'],
  'Query.retentionDue': ['preview-retention'],
  'Mutation.setRetention': ['set-retention'],
  'Query.preservations': ['list-preservations'],
  'Query.clawBacks': ['list-claw-backs'],
  'Mutation.renewLegalRequest': ['renew-request'],
  'Mutation.confirmClawBacks': ['confirm-claw-backs'],
  'Mutation.clawBackLegalRequest': ['claw-back-request'],
  'Mutation.confirmLegalRequest': ['confirm-request'],
  'Query.exports': ['list-exports'],
  'Query.export': ['read-export'],
  'Mutation.startExport': ['start-export'],
  'Mutation.cancelExport': ['cancel-export'],
  'Mutation.draftLegalRequest': ['draft-request'],
  'Mutation.amendLegalRequest': ['amend-request'],
  'Mutation.fileLegalRequest': ['file-request'],
  'Mutation.reviewLegalRequest': ['review-request'],
  'Mutation.approveLegalRequest': ['approve-request'],
  'Mutation.refuseLegalRequest': ['refuse-request'],
  'Mutation.withdrawLegalRequest': ['withdraw-request'],
  'Mutation.closeLegalRequest': ['close-request'],
  'Mutation.annotateLegalRequest': ['annotate-request'],
  'Query.constituency': ['read-constituency'],
  'Query.handlingProfiles': ['list-handling-profiles'],
  'Subscription.feed': ['follow'],
  'Mutation.publish': ['publish'],
  'Mutation.revise': ['revise'],
  'Mutation.recall': ['recall'],
  'Mutation.enrolOrganisation': ['enrol-organisation'],
  'Mutation.amendOrganisation': ['amend-organisation'],
  'Mutation.setConstituency': ['set-constituency'],
  'Mutation.addClient': ['add-client'],
  'Mutation.removeClient': ['remove-client'],
  'Mutation.createAccount': ['create-account'],
  'Mutation.amendAccount': ['amend-account'],
  'Mutation.issueKey': ['issue-key'],
  'Mutation.revokeKey': ['revoke-key'],
  'Mutation.setHandlingProfile': ['set-handling-profile'],
  'Mutation.removeHandlingProfile': ['remove-handling-profile'],
  'Mutation.addClientKey': ['add-client-key'],
  'Mutation.removeClientKey': ['remove-client-key'],
  'Mutation.addIdentity': ['add-identity'],
  'Mutation.removeIdentity': ['remove-identity'],
  'Mutation.rotateSigningKey': ['rotate-signing-key'],
  'Mutation.createBlocklist': ['create-blocklist'],
  'Mutation.removeBlocklist': ['remove-blocklist'],
  'Mutation.issueListKey': ['issue-list-key'],
  'Mutation.revokeListKey': ['revoke-list-key'],
  'Mutation.createCommunity': ['create-community'],
  'Mutation.addMember': ['add-member'],
  'Mutation.removeMember': ['remove-member'],
  'Mutation.addAgreement': ['add-agreement'],
  'Mutation.endAgreement': ['end-agreement'],
}

/** Fields that ask again, beyond what they are a field of. */
export const fieldRules: Readonly<Record<string, readonly ActionName[]>> = {
  'Indicator.history': ['history'],
  'Indicator.explain': ['explain'],
  'Indicator.observations': ['read-observations'],
  'Indicator.sightings': ['read-sightings'],
  'Indicator.related': ['list-related'],
  'Indicator.warnings': ['check-warninglists'],
  'Explanation.organisation': ['list-organisations'],
  'Organisation.kind': ['list-organisations'],
  'Organisation.disabled': ['list-organisations'],
  'Organisation.constituency': ['read-constituency'],
  'Organisation.accounts': ['list-accounts'],
  'Account.organisation': ['list-organisations'],
  'Community.description': ['list-communities'],
  'Community.members': ['list-organisations'],
  'Membership.community': ['list-communities'],
  'Membership.organisation': ['list-organisations'],
  'ClientPair.provider': ['list-organisations'],
  'ClientPair.client': ['list-organisations'],
}

interface TypeRule {
  /** The actions of whose answers a value of the type is a part. */
  readonly from: readonly ActionName[]
  /** Fields that are members of such an answer, and nothing else is asked for them. */
  readonly members: string
}

/** Everything that releases indicators. */
const releasing = ['search', 'read', 'lookup', 'history', 'revise', 'follow', 'list-related'] as const
/** Everything that releases STIX objects that are no indicators. */
const releasingObjects = ['list-objects', 'read-object', 'list-object-versions'] as const

/** Everything that answers with legal requests. */
const requesting = [
  'draft-request',
  'amend-request',
  'list-requests',
  'read-request',
  'file-request',
  'review-request',
  'approve-request',
  'refuse-request',
  'withdraw-request',
  'close-request',
  'annotate-request',
  'claw-back-request',
  'confirm-request',
  'renew-request',
] as const

/** Everything that answers with requests to widen. */
const widening = [
  ...(['ask-widening', 'list-widening', 'read-widening', 'accept-widening', 'refuse-widening'] as const),
  'withdraw-widening' as const,
]

/** Everything that answers with one asking of a partner. */
const assisting = [
  'ask-assistance',
  'read-assistance',
  'accept-assistance',
  'decline-assistance',
  'answer-assistance',
  'close-assistance',
  'withdraw-assistance',
  'annotate-assistance',
] as const

/** Everything that answers with peers. */
const peering = [
  ...(['list-peers', 'read-peer', 'add-peer', 'amend-peer', 'expel-peer', 'pin-peer-key', 'revoke-peer-key'] as const),
]

/** Everything that answers with one exchange between a reader and a source. */
const replying = ['send-reply', 'read-reply', 'answer-reply'] as const
/** Everything that answers with requests for a source's name. */
const attributing = [
  'ask-attribution',
  'list-attribution',
  'read-attribution',
  'approve-attribution',
  'refuse-attribution',
  'withdraw-attribution',
] as const

export const typeRules: Readonly<Record<string, TypeRule>> = {
  Indicator: {
    from: releasing,
    members:
      'id stixId version status originator alias type value masked observables name description class classType confidence labels created modified dateAdded validFrom validUntil firstSeen lastSeen network handling stix',
  },
  Observable: { from: releasing, members: 'type value' },
  Network: { from: releasing, members: 'asn country' },
  StixObject: {
    from: releasingObjects,
    members: 'stixId type version change status originator alias created modified dateAdded handling stix',
  },
  StixObjectConnection: { from: ['list-objects'], members: 'edges pageInfo' },
  StixObjectEdge: { from: ['list-objects'], members: 'cursor node' },
  RecalledStixObject: { from: ['recall-object'], members: 'stixId version recalled' },
  Handling: {
    from: [...releasing, ...releasingObjects, 'read-provenance'],
    members: 'tlp pap audience people releasableTo notReleasableTo lawEnforcement personalData attribution expiresAt',
  },
  IndicatorConnection: { from: ['search'], members: 'edges pageInfo' },
  Observations: {
    from: ['read-observations'],
    members: 'stixId reports times firstHour lastHour prevalence',
  },
  ObservationReport: { from: ['read-observations'], members: 'organisation times firstHour lastHour' },
  Sightings: {
    from: ['read-sightings'],
    members: 'stixId reports seen falsePositive expired prevalence decay',
  },
  SightingReport: {
    from: ['read-sightings'],
    members: 'type observed organisation alias count firstSeen lastSeen',
  },
  SightingSum: { from: ['read-sightings'], members: 'count firstSeen lastSeen' },
  Decay: { from: ['read-sightings'], members: 'score baseScore lifetimeDays decaySpeed since decayed' },
  Sighted: { from: ['sight'], members: 'stixId type count firstSeen lastSeen' },
  Provenance: {
    from: ['read-provenance'],
    members: 'stixId node here version sealedAt key receivedAt hops sealedTlp narrowedHere sealedHandling',
  },
  NamedNode: { from: ['read-provenance', 'read-holders', 'list-outstanding-recalls'], members: 'id name' },
  Hop: { from: ['read-provenance'], members: 'node from at' },
  Holders: { from: ['read-holders'], members: 'stixId holders' },
  Holder: {
    from: ['read-holders'],
    members: 'node version withdrawn givenAt storedVersion refused acknowledged overdue',
  },
  OutstandingRecall: {
    from: ['list-outstanding-recalls'],
    members: 'stixId originator version recalled since dueAt overdue overdueSeconds nodes',
  },
  UnconfirmedNode: { from: ['list-outstanding-recalls'], members: 'node version told storedVersion refused' },
  OutstandingRecallPage: { from: ['list-outstanding-recalls'], members: 'items next' },
  WideningRequest: {
    from: widening,
    members:
      'id side indicator version originator asker wanted reason state askedAt closedAt note widenedVersion delivered failure',
  },
  Wanted: { from: widening, members: 'tlp audience releasableTo lawEnforcement' },
  WideningPage: { from: ['list-widening'], members: 'items next' },
  Peer: {
    from: peering,
    members:
      'id name url direction state stateSince organisations communities keys itemsPerHour bytesPerHour enrolledAt',
  },
  PeerKey: {
    from: peering,
    members: 'thumbprint jwk pinnedAt validFrom endorsedBy revokedAt revokedFrom',
  },
  PeerState: { from: ['read-peer'], members: 'peer taking giving findings' },
  PeerFinding: { from: ['read-peer'], members: 'kind detail at seenFrom settledAt' },
  PeerCheckpoint: { from: ['read-peer'], members: 'size auditSize issuedAt expiresAt proven' },
  PeerWitness: { from: ['read-peer'], members: 'auditSize at' },
  PeerTaking: {
    from: ['read-peer'],
    members:
      'more stale lastPageAt lastAttemptAt lastOutcome failures failingSince notBefore itemsThisHour bytesThisHour outcomes quarantined checkpoint',
  },
  PeerOutcome: { from: ['read-peer'], members: 'outcome code items' },
  PeerGiving: { from: ['read-peer'], members: 'pages unconfirmed lastAskedAt held overdueRecalls witnessed' },
  Pulled: { from: ['pull-peer'], members: 'entries more failed' },
  Quarantined: {
    from: ['list-quarantine', 'read-quarantined'],
    members: 'id peer originator item version code detail at releasable retryAt envelope',
  },
  ReleasedFromQuarantine: { from: ['release-quarantined'], members: 'id outcome code' },
  RotatedNodeKey: { from: ['rotate-node-key'], members: 'thumbprint signsFrom dropped' },
  Related: { from: ['list-related'], members: 'relation indicator' },
  Prevalence: { from: ['read-observations', 'read-sightings'], members: 'organisations jurisdictions' },
  ObservationTotals: { from: ['observe'], members: 'records events matched indicators faults faultsTotal' },
  Feed: { from: ['follow'], members: 'entries cursor more' },
  LiveFeed: { from: ['follow'], members: 'entries cursor' },
  FeedEntry: { from: ['follow'], members: 'change stixId indicator' },
  Statistics: { from: ['statistics'], members: 'indicators byTlp byOriginator' },
  TlpCount: { from: ['statistics'], members: 'tlp indicators' },
  OriginatorCount: { from: ['statistics'], members: 'originator indicators' },
  IndicatorEdge: { from: ['search'], members: 'cursor node' },
  PageInfo: { from: ['search', 'list-objects'], members: 'hasNextPage endCursor hasPreviousPage startCursor' },
  HistoryEntry: { from: ['history'], members: 'version change modified dateAdded indicator' },
  LookupResult: { from: ['lookup'], members: 'value type known matches fault' },
  Match: { from: ['lookup'], members: 'match indicator' },
  Explanation: {
    from: ['explain'],
    members: 'stixId account purpose at effect reason rules obligations expiresAt agreements mayBlock',
  },
  Finding: { from: ['explain'], members: 'id source outcome sentence agreement request' },
  Obligation: { from: ['explain'], members: 'id sentence' },
  Receipt: { from: ['publish'], members: 'receipt accepted unchanged rejected rejectedTotal' },
  RecordFault: { from: ['publish', 'lookup', 'observe'], members: 'position code message' },
  Position: { from: ['publish', 'lookup', 'observe'], members: 'record line pointer offset' },
  Recalled: { from: ['recall'], members: 'id stixId version recalled' },
  Me: { from: ['whoami'], members: 'account organisation scopes purpose communities operator' },
  Organisation: {
    from: [
      'list-organisations',
      'enrol-organisation',
      'amend-organisation',
      'whoami',
      'statistics',
      'read-observations',
      'read-sightings',
      ...releasing,
      ...releasingObjects,
    ],
    members: 'id slug name jurisdiction',
  },
  HandlingProfile: {
    from: ['list-handling-profiles', 'set-handling-profile'],
    members:
      'name tlp pap audience people releasableTo notReleasableTo lawEnforcement personalData attribution expiresAt amendedAt',
  },
  ConstituencyEntry: { from: ['read-constituency', 'set-constituency'], members: 'kind value' },
  ClientPair: { from: ['list-clients', 'add-client', 'remove-client'], members: '' },
  Account: {
    from: ['list-accounts', 'create-account', 'amend-account', 'whoami'],
    members: 'id slug name roles disabled stixMarkings',
  },
  ApiKey: {
    from: ['list-keys', 'issue-key'],
    members: 'id account name scopes createdAt expiresAt revokedAt lastUsedAt',
  },
  ClientKey: {
    from: ['list-client-keys', 'add-client-key'],
    members: 'id account name thumbprint jwk scopes createdAt removedAt lastUsedAt',
  },
  Warning: { from: ['check-warninglists'], members: 'list category' },
  CheckedValue: { from: ['check-warninglists'], members: 'value type warnings' },
  Warninglist: {
    from: ['list-warninglists'],
    members: 'name version description category kind types entries loadedAt',
  },
  Blocklist: { from: ['list-blocklists', 'create-blocklist'], members: 'id account name filter createdAt keys' },
  ListKey: {
    from: ['list-blocklists', 'create-blocklist', 'issue-list-key'],
    members: 'id createdAt expiresAt revokedAt lastUsedAt',
  },
  IssuedListKey: { from: ['issue-list-key'], members: 'key secret' },
  PublicJwk: { from: ['list-client-keys', 'add-client-key', ...peering], members: 'kty crv x y' },
  Identity: { from: ['list-identities', 'add-identity'], members: 'id account issuer subject scopes createdAt' },
  RotatedKey: { from: ['rotate-signing-key'], members: 'kid signsFrom dropped' },
  Webhook: {
    from: ['list-subscriptions', 'read-subscription', 'create-subscription', 'amend-subscription'],
    members:
      'id name url filter ownSystem batch purpose createdAt state paused waiting deadLetters failingSince nextAttemptAt lastAttemptAt lastDeliveredAt lastOutcome oldSecretUntil',
  },
  WebhookFilter: {
    from: ['list-subscriptions', 'read-subscription', 'create-subscription', 'amend-subscription'],
    members: 'type tlp class country asn network domain originator minConfidence community constituency',
  },
  WebhookPause: {
    from: ['list-subscriptions', 'read-subscription', 'create-subscription', 'amend-subscription'],
    members: 'reason at',
  },
  RetentionRule: {
    from: ['list-retention', 'set-retention'],
    members: 'tlp types personalData afterExpiryDays afterRecallDays',
  },
  RetentionDue: { from: ['preview-retention'], members: 'rule indicators objects events words' },
  Figures: { from: ['read-figures'], members: 'year suppressedBelow jurisdictions' },
  JurisdictionFigures: {
    from: ['read-figures'],
    members: 'jurisdiction requests disclosures withheld clawBacks recalls preservations',
  },
  RequestFigure: { from: ['read-figures'], members: 'instrument state count' },
  Preservation: {
    from: ['list-preservations'],
    members:
      'request liaison instrument caseReference state from until ending items recalled renews renewedBy fault endedAt',
  },
  ClawBack: {
    from: ['list-claw-backs', 'confirm-claw-backs'],
    members: 'export request organisation indicator originator version recalledAt deadline overdue confirmedAt note',
  },
  Disclosure: {
    from: ['list-disclosures'],
    members: 'export request organisation requestingJurisdiction instrument offence downloadedAt items recalled',
  },
  Export: {
    from: ['list-exports', 'read-export', 'start-export', 'cancel-export'],
    members: 'id request account state language createdAt items done masked fault sha256 bytes readyAt downloadedAt',
  },
  Assistance: {
    from: assisting,
    members: 'id kind from to state tlp people personalData dueAt overdue version createdAt indicators steps',
  },
  AssistanceSummary: {
    from: ['list-assistance'],
    members: 'id kind from to state tlp dueAt overdue version createdAt',
  },
  AssistanceStep: { from: assisting, members: 'step organisation account text at' },
  AssistancePage: { from: ['list-assistance'], members: 'items next' },
  Reply: { from: replying, members: 'id indicator source replier createdAt waiting messages' },
  ReplySummary: { from: ['list-replies'], members: 'id indicator source replier createdAt waiting' },
  ReplyMessage: { from: replying, members: 'from account text at' },
  ReplyPage: { from: ['list-replies'], members: 'items next' },
  AttributionRequest: {
    from: attributing,
    members: 'id account organisation indicator alias reason state createdAt expiresAt originator steps',
  },
  NamedSource: { from: attributing, members: 'id name jurisdiction' },
  AttributionStep: { from: attributing, members: 'step side account note at' },
  AttributionPage: { from: ['list-attribution'], members: 'items next' },
  LegalRequest: {
    from: requesting,
    members:
      'id liaison state instrument citation authority caseReference offence requestingJurisdiction facts necessity scope handlingCode urgency expiresAt confidentialUntil consents createdAt filedAt approvedAt renews steps',
  },
  LegalScope: {
    from: requesting,
    members: 'originators types values classes countries asns network domain since until',
  },
  LegalStep: { from: requesting, members: 'step side account note at' },
  LegalRequestPage: { from: ['list-requests'], members: 'items next' },
  CreatedWebhook: { from: ['create-subscription'], members: 'webhook secret' },
  RotatedSecret: { from: ['rotate-webhook-secret'], members: 'secret oldSecretUntil' },
  Pinged: { from: ['ping-subscription'], members: 'delivered outcome' },
  DeadLetter: { from: ['list-dead-letters'], members: 'id createdAt deadAt attempts reason ids' },
  IssuedKey: { from: ['issue-key'], members: 'key secret' },
  Community: { from: ['list-communities', 'create-community', 'whoami'], members: 'id slug name' },
  Membership: { from: ['add-member', 'remove-member'], members: '' },
  Agreement: {
    from: ['list-agreements', 'add-agreement', 'end-agreement', 'explain'],
    members: 'id slug name parties maxTlp purposes personalData validFrom validTo citation example',
  },
}
