import type { Role, Scope } from '../domain/account.ts'
import type { ActionName } from '../domain/action-names.ts'
import type { Caller } from '../domain/caller.ts'
import type { FaultCode } from '../domain/errors.ts'

/**
 * Who may call a verb at all. `where` limits administration: `operator` means accounts of the organisation that operates
 * the node; `own` means one's own organisation, or any for the operator's accounts of the same roles.
 */
export interface Permission {
  /** `public`: also without credentials. `enrolled`: any account. `peer`: another node. Otherwise one of these roles. */
  readonly who: 'public' | 'enrolled' | 'peer' | readonly Role[]
  readonly scope: Scope
  readonly where?: 'operator' | 'own'
}

export const permissions = {
  authenticate: { who: 'public', scope: 'read' },
  describe: { who: 'public', scope: 'read' },
  // No door leads to it: it is called at the machine, before anybody is enrolled.
  'set-up': { who: [], scope: 'admin', where: 'operator' },
  publish: { who: ['publisher'], scope: 'write' },
  revise: { who: ['publisher'], scope: 'write' },
  recall: { who: ['publisher'], scope: 'write' },
  'recall-event': { who: ['publisher'], scope: 'write' },
  search: { who: 'public', scope: 'read' },
  read: { who: 'public', scope: 'read' },
  'search-events': { who: 'public', scope: 'read' },
  lookup: { who: 'public', scope: 'read' },
  history: { who: 'public', scope: 'read' },
  follow: { who: 'public', scope: 'read' },
  statistics: { who: 'public', scope: 'read' },
  'read-blocklist': { who: 'public', scope: 'read' },
  'list-blocklists': { who: 'enrolled', scope: 'read' },
  'create-blocklist': { who: ['reader', 'publisher'], scope: 'write' },
  // Whoever answers for the people of an organisation may end what they left behind.
  'remove-blocklist': { who: ['reader', 'publisher', 'administrator'], scope: 'write' },
  'issue-list-key': { who: ['reader', 'publisher'], scope: 'write' },
  'revoke-list-key': { who: ['reader', 'publisher', 'administrator'], scope: 'write' },
  'list-warninglists': { who: 'public', scope: 'read' },
  'check-warninglists': { who: 'public', scope: 'read' },
  explain: { who: 'enrolled', scope: 'read' },
  whoami: { who: 'enrolled', scope: 'read' },
  'list-organisations': { who: 'enrolled', scope: 'read' },
  'enrol-organisation': { who: ['administrator'], scope: 'admin', where: 'operator' },
  'amend-organisation': { who: ['administrator'], scope: 'admin', where: 'operator' },
  'read-constituency': { who: 'enrolled', scope: 'read' },
  'set-constituency': { who: ['administrator'], scope: 'admin', where: 'operator' },
  'list-clients': { who: 'enrolled', scope: 'read' },
  'add-client': { who: ['administrator', 'policy-officer'], scope: 'admin', where: 'own' },
  'remove-client': { who: ['administrator', 'policy-officer'], scope: 'admin', where: 'own' },
  'list-accounts': { who: ['administrator'], scope: 'admin', where: 'own' },
  'create-account': { who: ['administrator'], scope: 'admin', where: 'own' },
  'amend-account': { who: ['administrator'], scope: 'admin', where: 'own' },
  'list-keys': { who: ['administrator'], scope: 'admin', where: 'own' },
  'issue-key': { who: ['administrator'], scope: 'admin', where: 'own' },
  'revoke-key': { who: ['administrator'], scope: 'admin', where: 'own' },
  // Always those of the caller's organisation: what others say of theirs is nobody's business.
  'list-handling-profiles': { who: 'enrolled', scope: 'read' },
  'set-handling-profile': { who: ['administrator'], scope: 'admin' },
  'remove-handling-profile': { who: ['administrator'], scope: 'admin' },
  'list-communities': { who: 'enrolled', scope: 'read' },
  'create-community': { who: ['policy-officer'], scope: 'admin', where: 'operator' },
  'add-member': { who: ['policy-officer'], scope: 'admin', where: 'operator' },
  'remove-member': { who: ['policy-officer'], scope: 'admin', where: 'operator' },
  'list-agreements': { who: 'enrolled', scope: 'read' },
  'add-agreement': { who: ['policy-officer'], scope: 'admin', where: 'operator' },
  'end-agreement': { who: ['policy-officer'], scope: 'admin', where: 'operator' },
  'read-checkpoint': { who: 'public', scope: 'read' },
  'list-checkpoints': { who: 'enrolled', scope: 'read' },
  'prove-inclusion': { who: 'public', scope: 'read' },
  'prove-consistency': { who: 'public', scope: 'read' },
  'list-leaves': { who: 'enrolled', scope: 'read' },
  // The client proves who it is inside: by an assertion that one of its keys signed.
  'issue-token': { who: 'public', scope: 'read' },
  'revoke-token': { who: 'public', scope: 'read' },
  'list-client-keys': { who: ['administrator'], scope: 'admin', where: 'own' },
  'add-client-key': { who: ['administrator'], scope: 'admin', where: 'own' },
  'remove-client-key': { who: ['administrator'], scope: 'admin', where: 'own' },
  'list-identities': { who: ['administrator'], scope: 'admin', where: 'own' },
  // Who is who at an external issuer is the operator's to vouch for: an organisation could claim another's people.
  'add-identity': { who: ['administrator'], scope: 'admin', where: 'operator' },
  'remove-identity': { who: ['administrator'], scope: 'admin', where: 'operator' },
  'rotate-signing-key': { who: ['administrator'], scope: 'admin', where: 'operator' },
  observe: { who: ['reader', 'publisher'], scope: 'write' },
  'read-observations': { who: 'public', scope: 'read' },
  sight: { who: ['reader', 'publisher'], scope: 'write' },
  'read-sightings': { who: 'public', scope: 'read' },
  'list-related': { who: 'public', scope: 'read' },
  'list-objects': { who: 'public', scope: 'read' },
  'read-object': { who: 'public', scope: 'read' },
  'list-object-versions': { who: 'public', scope: 'read' },
  'recall-object': { who: ['publisher'], scope: 'write' },
  // Webhooks are the account's own; what is sent is asked of `follow` each time.
  'list-subscriptions': { who: 'enrolled', scope: 'read' },
  'read-subscription': { who: 'enrolled', scope: 'read' },
  'create-subscription': { who: 'enrolled', scope: 'write' },
  'amend-subscription': { who: 'enrolled', scope: 'write' },
  'remove-subscription': { who: 'enrolled', scope: 'write' },
  'rotate-webhook-secret': { who: 'enrolled', scope: 'write' },
  'ping-subscription': { who: 'enrolled', scope: 'write' },
  'list-dead-letters': { who: 'enrolled', scope: 'read' },
  'replay-dead-letters': { who: 'enrolled', scope: 'write' },
  'list-collections': { who: 'public', scope: 'read' },
  'read-collection': { who: 'public', scope: 'read' },
  // What is added is published: `publish` is asked too.
  'add-to-collection': { who: ['publisher'], scope: 'write' },
  'read-collection-status': { who: 'enrolled', scope: 'read' },
  'list-peers': { who: ['administrator', 'policy-officer'], scope: 'admin', where: 'operator' },
  'add-peer': { who: ['administrator'], scope: 'admin', where: 'operator' },
  'amend-peer': { who: ['administrator'], scope: 'admin', where: 'operator' },
  'expel-peer': { who: ['administrator'], scope: 'admin', where: 'operator' },
  'pin-peer-key': { who: ['administrator'], scope: 'admin', where: 'operator' },
  'revoke-peer-key': { who: ['administrator'], scope: 'admin', where: 'operator' },
  'rotate-node-key': { who: ['administrator'], scope: 'admin', where: 'operator' },
  'serve-feed': { who: 'peer', scope: 'read' },
  'take-acks': { who: 'peer', scope: 'read' },
  'serve-checkpoints': { who: 'peer', scope: 'read' },
  'take-doorbell': { who: 'peer', scope: 'read' },
  'pull-peer': { who: ['administrator'], scope: 'admin', where: 'operator' },
  'read-peer': { who: ['administrator', 'policy-officer'], scope: 'admin', where: 'operator' },
  'list-quarantine': { who: ['administrator', 'policy-officer'], scope: 'admin', where: 'operator' },
  'read-quarantined': { who: ['administrator', 'policy-officer'], scope: 'admin', where: 'operator' },
  'release-quarantined': { who: ['administrator'], scope: 'admin', where: 'operator' },
  'drop-quarantined': { who: ['administrator'], scope: 'admin', where: 'operator' },
  'read-provenance': { who: 'public', scope: 'read' },
  // The action asks for the originator.
  'read-holders': { who: 'enrolled', scope: 'read' },
  // Whose recalls is asked inside.
  'list-outstanding-recalls': { who: 'enrolled', scope: 'read' },
  // Whose request it is, and who is asked, is for widening.ts.
  'ask-widening': { who: ['reader', 'publisher'], scope: 'write' },
  'list-widening': { who: 'enrolled', scope: 'read' },
  'read-widening': { who: 'enrolled', scope: 'read' },
  'accept-widening': { who: ['publisher'], scope: 'write' },
  'refuse-widening': { who: ['publisher'], scope: 'write' },
  'withdraw-widening': { who: ['reader', 'publisher'], scope: 'write' },
  'take-widening': { who: 'peer', scope: 'read' },
  // Which requests, and on whose part, is for duties.ts.
  'draft-request': { who: ['liaison'], scope: 'write' },
  'amend-request': { who: ['liaison'], scope: 'write' },
  'list-requests': { who: ['liaison', 'approver', 'policy-officer'], scope: 'read' },
  'read-request': { who: ['liaison', 'approver', 'policy-officer'], scope: 'read' },
  'read-trail': { who: ['liaison', 'approver', 'policy-officer'], scope: 'read' },
  'file-request': { who: ['liaison'], scope: 'write' },
  'review-request': { who: ['approver', 'policy-officer'], scope: 'write' },
  'approve-request': { who: ['approver', 'policy-officer'], scope: 'write' },
  'refuse-request': { who: ['approver', 'policy-officer'], scope: 'write' },
  'withdraw-request': { who: ['liaison'], scope: 'write' },
  'close-request': { who: ['liaison', 'policy-officer'], scope: 'write' },
  'annotate-request': { who: ['liaison', 'approver', 'policy-officer'], scope: 'write' },
  'claw-back-request': { who: ['approver', 'policy-officer'], scope: 'write' },
  'confirm-request': { who: ['liaison'], scope: 'write' },
  'renew-request': { who: ['liaison'], scope: 'write' },
  'list-preservations': { who: ['liaison', 'approver', 'policy-officer'], scope: 'read' },
  'list-disclosures': { who: 'enrolled', scope: 'read' },
  // Whether they are published is asked inside.
  'read-figures': { who: 'public', scope: 'read' },
  'list-claw-backs': { who: ['liaison', 'approver', 'policy-officer'], scope: 'read' },
  'confirm-claw-backs': { who: ['liaison'], scope: 'write' },
  'start-export': { who: ['liaison'], scope: 'write' },
  'list-exports': { who: ['liaison', 'policy-officer'], scope: 'read' },
  'read-export': { who: ['liaison', 'policy-officer'], scope: 'read' },
  'cancel-export': { who: ['liaison'], scope: 'write' },
  'download-export': { who: ['liaison'], scope: 'write' },
  'list-retention': { who: ['administrator', 'policy-officer'], scope: 'admin', where: 'operator' },
  'set-retention': { who: ['policy-officer'], scope: 'admin', where: 'operator' },
  'preview-retention': { who: ['administrator', 'policy-officer'], scope: 'admin', where: 'operator' },
  // Between which two, and on which side, is for assistance.ts.
  'ask-assistance': { who: ['reader', 'publisher'], scope: 'write' },
  'list-assistance': { who: ['reader', 'publisher'], scope: 'read' },
  'read-assistance': { who: ['reader', 'publisher'], scope: 'read' },
  'accept-assistance': { who: ['reader', 'publisher'], scope: 'write' },
  'decline-assistance': { who: ['reader', 'publisher'], scope: 'write' },
  'answer-assistance': { who: ['reader', 'publisher'], scope: 'write' },
  'close-assistance': { who: ['reader', 'publisher'], scope: 'write' },
  'withdraw-assistance': { who: ['reader', 'publisher'], scope: 'write' },
  'annotate-assistance': { who: ['reader', 'publisher'], scope: 'write' },
  // On which side, and who decides, is for broker.ts.
  'send-reply': { who: ['reader', 'publisher'], scope: 'write' },
  'list-replies': { who: ['reader', 'publisher'], scope: 'read' },
  'read-reply': { who: ['reader', 'publisher'], scope: 'read' },
  'answer-reply': { who: ['reader', 'publisher'], scope: 'write' },
  'ask-attribution': { who: ['reader', 'publisher'], scope: 'write' },
  'list-attribution': { who: ['reader', 'publisher', 'approver', 'policy-officer'], scope: 'read' },
  'read-attribution': { who: ['reader', 'publisher', 'approver', 'policy-officer'], scope: 'read' },
  'approve-attribution': { who: ['approver', 'policy-officer'], scope: 'write' },
  'refuse-attribution': { who: ['approver', 'policy-officer'], scope: 'write' },
  'withdraw-attribution': { who: ['reader', 'publisher'], scope: 'write' },
} as const satisfies Record<ActionName, Permission>

export const needsCredentials = 'This needs credentials: send the header Authorization: Bearer <key>.'

export interface Refusal {
  readonly code: FaultCode
  /** Rule id, for the answer and the audit log. */
  readonly rule: string
  readonly sentence: string
}

/**
 * May this caller call this verb, on things of this organisation where the verb has one?
 * @returns nothing when it may, otherwise why not
 */
export function refusalOf(caller: Caller, action: ActionName, organisation?: string): Refusal | undefined {
  const { who, scope, where }: Permission = permissions[action]
  const home = caller.reader.organisation?.id
  // Peers have doors of their own, and nobody else goes through them.
  if ((who === 'peer') !== (caller.peer !== undefined)) {
    return { code: 'credentials_required', rule: 'caller.peer', sentence: 'This door is between nodes.' }
  }
  if (who !== 'public' && who !== 'peer' && home === undefined) {
    return { code: 'credentials_required', rule: 'caller.enrolled', sentence: needsCredentials }
  }
  // The key of a blocklist stands in URLs and on machines: it is worth one list.
  if (caller.list !== undefined && action !== 'read-blocklist') {
    return { code: 'scope_required', rule: 'scope.list', sentence: 'This key reads one blocklist, and nothing else.' }
  }
  if (!caller.scopes.includes(scope)) {
    return { code: 'scope_required', rule: `scope.${scope}`, sentence: `This credential lacks the scope "${scope}".` }
  }
  if (typeof who !== 'string' && !who.some((role) => caller.reader.roles.includes(role))) {
    return {
      code: 'role_required',
      rule: `role.${who.join('|')}`,
      sentence: `This needs the role ${who.join(' or ')}.`,
    }
  }
  if (where === 'operator' && !caller.operator) {
    return {
      code: 'not_yours',
      rule: 'where.operator',
      sentence: 'Only the organisation that operates this node may do this.',
    }
  }
  if (where === 'own' && organisation !== undefined && organisation !== home && !caller.operator) {
    return { code: 'not_yours', rule: 'where.own', sentence: 'This belongs to another organisation.' }
  }
  return undefined
}
