import type { ActionName } from '../domain/action-names.ts'
import * as accounts from './accounts.ts'
import * as additions from './add-to-collection.ts'
import * as agreements from './agreements.ts'
import { askAssistance } from './ask-assistance.ts'
import { askAttribution } from './ask-attribution.ts'
import * as assistance from './assistance.ts'
import * as assistanceSteps from './assistance-steps.ts'
import * as attribution from './attribution-requests.ts'
import * as attributionSteps from './attribution-steps.ts'
import * as auditProofs from './audit-proofs.ts'
import { authenticate } from './authenticate.ts'
import * as blocklists from './blocklists.ts'
import { confirmRecalled, listClawBacks } from './claw-backs.ts'
import * as clientKeys from './client-keys.ts'
import * as clients from './clients.ts'
import { listCollections } from './collections.ts'
import * as communities from './communities.ts'
import { describe } from './describe.ts'
import { takeDoorbell } from './doorbells.ts'
import { downloadExport } from './download-export.ts'
import { explain } from './explain.ts'
import * as exportVerbs from './exports.ts'
import { rotateNodeKey } from './federation-keys.ts'
import { readFigures } from './figures.ts'
import { follow } from './follow.ts'
import * as handlingProfiles from './handling-profiles.ts'
import { history } from './history.ts'
import { readHolders } from './holders.ts'
import * as identities from './identities.ts'
import { issueToken } from './issue-token.ts'
import * as keys from './keys.ts'
import * as legalDecisions from './legal-decisions.ts'
import * as legalRequests from './legal-requests.ts'
import { listDisclosures } from './list-disclosures.ts'
import { listLeaves } from './list-leaves.ts'
import { listRelated } from './list-related.ts'
import { lookup } from './lookup.ts'
import * as objects from './objects.ts'
import { observe } from './observe.ts'
import * as organisations from './organisations.ts'
import { listOutstandingRecalls } from './outstanding-recalls.ts'
import * as peerPins from './peer-pins.ts'
import * as peers from './peers.ts'
import { listPreservations, renewRequest } from './preservations.ts'
import { readProvenance } from './provenance.ts'
import { publish } from './publish.ts'
import { pullPeer } from './pull-peer.ts'
import * as quarantine from './quarantine.ts'
import { read } from './read.ts'
import { readBlocklist } from './read-blocklist.ts'
import { readCollection } from './read-collection.ts'
import { readObservations } from './read-observations.ts'
import { readPeer } from './read-peer.ts'
import { readSightings } from './read-sightings.ts'
import { readTrail } from './read-trail.ts'
import { recall } from './recall.ts'
import { recallEvent } from './recall-event.ts'
import { recallObject } from './recall-object.ts'
import * as replies from './replies.ts'
import * as retention from './retention.ts'
import { revise } from './revise.ts'
import { revokeToken } from './revoke-token.ts'
import { search } from './search.ts'
import { searchEvents } from './search-events.ts'
import { serveCheckpoints } from './serve-checkpoints.ts'
import { serveFeed } from './serve-feed.ts'
import { setUp } from './set-up.ts'
import { sight } from './sight.ts'
import { rotateSigningKey } from './signing-keys.ts'
import { statistics } from './statistics.ts'
import * as subscriptions from './subscriptions.ts'
import { takeAcks } from './take-acks.ts'
import { takeWidening } from './take-widening.ts'
import * as warninglists from './warninglists.ts'
import * as webhooks from './webhook-upkeep.ts'
import { whoami } from './whoami.ts'
import * as widening from './widening.ts'
import * as wideningAnswers from './widening-answers.ts'

/** Every verb, by its name. A name without an action, or an action without a name, does not compile. */
export const actions = {
  authenticate,
  describe,
  'set-up': setUp,
  publish,
  revise,
  recall,
  'recall-event': recallEvent,
  search,
  read,
  'search-events': searchEvents,
  lookup,
  history,
  follow,
  statistics,
  'read-blocklist': readBlocklist,
  'list-blocklists': blocklists.listBlocklists,
  'create-blocklist': blocklists.createBlocklist,
  'remove-blocklist': blocklists.removeBlocklist,
  'issue-list-key': blocklists.issueListKey,
  'revoke-list-key': blocklists.revokeListKey,
  'list-warninglists': warninglists.listWarninglists,
  'check-warninglists': warninglists.checkWarninglists,
  explain,
  whoami,
  'list-organisations': organisations.listOrganisations,
  'enrol-organisation': organisations.enrolOrganisation,
  'amend-organisation': organisations.amendOrganisation,
  'read-constituency': organisations.readConstituency,
  'set-constituency': organisations.setConstituency,
  'list-clients': clients.listClients,
  'add-client': clients.addClient,
  'remove-client': clients.removeClient,
  'list-accounts': accounts.listAccounts,
  'create-account': accounts.createAccount,
  'amend-account': accounts.amendAccount,
  'list-keys': keys.listKeys,
  'issue-key': keys.issueKey,
  'revoke-key': keys.revokeKey,
  'list-communities': communities.listCommunities,
  'create-community': communities.createCommunity,
  'add-member': communities.addMember,
  'remove-member': communities.removeMember,
  'list-agreements': agreements.listAgreements,
  'add-agreement': agreements.addAgreement,
  'end-agreement': agreements.endAgreement,
  'read-checkpoint': auditProofs.readHead,
  'list-checkpoints': auditProofs.listCheckpoints,
  'prove-inclusion': auditProofs.proveInclusion,
  'prove-consistency': auditProofs.proveConsistency,
  'list-leaves': listLeaves,
  'issue-token': issueToken,
  'revoke-token': revokeToken,
  'list-handling-profiles': handlingProfiles.listHandlingProfiles,
  'set-handling-profile': handlingProfiles.setHandlingProfile,
  'remove-handling-profile': handlingProfiles.removeHandlingProfile,
  'list-client-keys': clientKeys.listClientKeys,
  'add-client-key': clientKeys.addClientKey,
  'remove-client-key': clientKeys.removeClientKey,
  'list-identities': identities.listIdentities,
  'add-identity': identities.addIdentity,
  'remove-identity': identities.removeIdentity,
  'rotate-signing-key': rotateSigningKey,
  observe,
  'read-observations': readObservations,
  sight,
  'read-sightings': readSightings,
  'list-related': listRelated,
  'list-objects': objects.listObjects,
  'read-object': objects.readObject,
  'list-object-versions': objects.listObjectVersions,
  'recall-object': recallObject,
  'list-subscriptions': subscriptions.listSubscriptions,
  'read-subscription': subscriptions.readSubscription,
  'create-subscription': subscriptions.createSubscription,
  'amend-subscription': subscriptions.amendSubscription,
  'remove-subscription': subscriptions.removeSubscription,
  'rotate-webhook-secret': webhooks.rotateWebhookSecret,
  'ping-subscription': webhooks.pingSubscription,
  'list-dead-letters': webhooks.listDeadLetters,
  'replay-dead-letters': webhooks.replayDeadLetters,
  'list-collections': listCollections,
  'read-collection': readCollection,
  'add-to-collection': additions.addToCollection,
  'read-collection-status': additions.readCollectionStatus,
  'list-peers': peers.listPeers,
  'add-peer': peers.addPeer,
  'amend-peer': peers.amendPeer,
  'expel-peer': peers.expelPeer,
  'pin-peer-key': peerPins.pinPeerKey,
  'revoke-peer-key': peerPins.revokePeerKey,
  'rotate-node-key': rotateNodeKey,
  'serve-feed': serveFeed,
  'take-acks': takeAcks,
  'serve-checkpoints': serveCheckpoints,
  'take-doorbell': takeDoorbell,
  'pull-peer': pullPeer,
  'read-peer': readPeer,
  'list-quarantine': quarantine.listQuarantine,
  'read-quarantined': quarantine.readQuarantined,
  'release-quarantined': quarantine.releaseQuarantined,
  'drop-quarantined': quarantine.dropQuarantined,
  'read-provenance': readProvenance,
  'read-holders': readHolders,
  'list-outstanding-recalls': listOutstandingRecalls,
  'ask-widening': widening.askWidening,
  'list-widening': widening.listWidening,
  'read-widening': widening.readWidening,
  'accept-widening': wideningAnswers.acceptWidening,
  'refuse-widening': wideningAnswers.refuseWidening,
  'withdraw-widening': widening.withdrawWidening,
  'take-widening': takeWidening,
  'draft-request': legalRequests.draftRequest,
  'amend-request': legalRequests.amendRequest,
  'list-requests': legalRequests.listRequests,
  'read-request': legalRequests.readRequest,
  'read-trail': readTrail,
  'file-request': legalDecisions.fileRequest,
  'review-request': legalDecisions.reviewRequest,
  'approve-request': legalDecisions.approveRequest,
  'refuse-request': legalDecisions.refuseRequest,
  'withdraw-request': legalDecisions.withdrawRequest,
  'close-request': legalDecisions.closeRequest,
  'annotate-request': legalDecisions.annotateRequest,
  'claw-back-request': legalDecisions.clawBackRequest,
  'confirm-request': legalDecisions.confirmRequest,
  'renew-request': renewRequest,
  'list-preservations': listPreservations,
  'list-disclosures': listDisclosures,
  'read-figures': readFigures,
  'list-claw-backs': listClawBacks,
  'confirm-claw-backs': confirmRecalled,
  'start-export': exportVerbs.startExport,
  'list-exports': exportVerbs.listExports,
  'read-export': exportVerbs.readExportState,
  'cancel-export': exportVerbs.cancelExport,
  'download-export': downloadExport,
  'list-retention': retention.listRetention,
  'set-retention': retention.setRetention,
  'preview-retention': retention.previewRetention,
  'ask-assistance': askAssistance,
  'list-assistance': assistance.listAssistance,
  'read-assistance': assistance.readAssistance,
  'accept-assistance': assistanceSteps.acceptAssistance,
  'decline-assistance': assistanceSteps.declineAssistance,
  'answer-assistance': assistanceSteps.answerAssistance,
  'close-assistance': assistanceSteps.closeAssistance,
  'withdraw-assistance': assistanceSteps.withdrawAssistance,
  'annotate-assistance': assistanceSteps.annotateAssistance,
  'send-reply': replies.sendReply,
  'list-replies': replies.listReplies,
  'read-reply': replies.readReply,
  'answer-reply': replies.answerReply,
  'ask-attribution': askAttribution,
  'list-attribution': attribution.listAttribution,
  'read-attribution': attribution.readAttribution,
  'approve-attribution': attributionSteps.approveAttribution,
  'refuse-attribution': attributionSteps.refuseAttribution,
  'withdraw-attribution': attributionSteps.withdrawAttribution,
} as const satisfies Record<ActionName, unknown>

export { forgetOldStatuses } from './add-to-collection.ts'
export { expireAssistance } from './assistance-steps.ts'
export { expireAttributionRequests } from './attribution-steps.ts'
export { isoOfMicros } from './collection-order.ts'
export type { Collection } from './collections.ts'
export type { Context, Log, WayOut } from './context.ts'
export { forgetOldViews, isReady, makeRoom, renewEpoch, waitingForDatabase, warmUp } from './describe.ts'
export { ringDoorbells } from './doorbells.ts'
export { forgetPackages } from './download-export.ts'
export { expireRequests } from './expire-requests.ts'
export { runExports } from './export-job.ts'
export { describeNode } from './federation-keys.ts'
export { fetchPeerKeys } from './fetch-peer-keys.ts'
export { publishFigures } from './figures.ts'
export { tendHolds } from './holds.ts'
export { integrateAudit } from './integrate-audit.ts'
export { measureNode, measureProcess, type Operation, type ProcessState } from './measure.ts'
export { PageAhead } from './page-ahead.ts'
export { proveAnswer, provePeer } from './peer-request.ts'
export { duePeers, keepHolding, letGoOfPeers } from './peer-turns.ts'
export { tendPeers } from './peer-upkeep.ts'
export { takePage } from './pull-peer.ts'
export { purge } from './purge.ts'
export type { CollectionAnswer } from './read-collection.ts'
export { mergeObservations } from './read-observations.ts'
export { sealNotices } from './seal-notices.ts'
export { sealFeed } from './sealing.ts'
export { tendWidening } from './send-widening.ts'
export { tendSigningKeys } from './signing-keys.ts'
export { exchangeCheckpoints, takeCheckpoints } from './take-checkpoints.ts'
export { describeTokens, publishedKeys } from './token-metadata.ts'
export { forgetEndedTokens, refreshKeySet } from './tokens.ts'
export { loadWarninglist, removeWarninglist, warningsOf } from './warninglists.ts'
export {
  beat,
  beginWork,
  type Held,
  letOthers,
  nextSending,
  stopSending,
  takeSubscriptions,
} from './webhook-sending.ts'
export { settleSending } from './webhook-settling.ts'
export { forgetLetters } from './webhook-upkeep.ts'
export { askWitnesses } from './witnessed.ts'
