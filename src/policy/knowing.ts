import { readingRoles } from '../domain/account.ts'
import type { Caller } from '../domain/caller.ts'
import type { RecallsOf } from '../domain/peer.ts'
import { refusalOf } from './permissions.ts'

/** Whether the caller may know a saved blocklist: its account, and the administrators of the same organisation. */
export const knowsBlocklist = (
  { reader }: Caller,
  owner: { readonly id: string; readonly organisation: string },
): boolean =>
  reader.account === owner.id ||
  (reader.organisation?.id === owner.organisation && reader.roles.includes('administrator'))

/** Whether the caller may know a community: its members do, and the operator's policy officers, who keep it. */
export const knowsCommunity = (caller: Caller, community: string): boolean =>
  caller.reader.communities.includes(community) ||
  (caller.operator && caller.reader.roles.includes('policy-officer') && caller.scopes.includes('admin'))

/** Whether the caller may know who serves whom: the two themselves, and the operator's administrators and policy officers. */
export const knowsClients = (caller: Caller, provider: string, client: string): boolean =>
  caller.reader.organisation?.id === provider ||
  caller.reader.organisation?.id === client ||
  (caller.operator && caller.reader.roles.some((role) => role === 'policy-officer' || role === 'administrator'))

/** Whether the caller may have the node's yearly figures as they are: who decides on its requests knows them anyway. */
export const knowsFigures = ({ reader, operator }: Caller): boolean =>
  operator && reader.roles.includes('policy-officer')

/** Whether the caller may ask what `organisation` would see of an indicator of `originator`. */
export const mayExplain = (caller: Caller, organisation: string, originator: string): boolean => {
  const home = caller.reader.organisation?.id
  return home !== undefined && (home === organisation || home === originator)
}

/**
 * Readings that are answered only once their audit leaf is durable: anything above CLEAR by law enforcement, and RED.
 */
export const auditBeforeAnswer = (caller: Caller, tlp: string): boolean =>
  tlp === 'red' ||
  (tlp !== 'clear' && (caller.reader.organisation?.kind === 'law-enforcement' || caller.purpose === 'law-enforcement'))

/** Whose leaves of the audit log: one's own acts, those of one's organisation, or all of the node's. */
export const leavesOf = ['me', 'organisation', 'node'] as const
export type LeavesOf = (typeof leavesOf)[number]

/**
 * Whether the caller may list these leaves. Those of an organisation are for whoever answers for it, all of them for the operator's
 * policy officers. What a leaf was about is another matter: that is for whoever did it.
 */
export function mayListLeaves({ reader, scopes, operator }: Caller, of: LeavesOf): boolean {
  switch (of) {
    case 'me':
      return reader.account !== undefined
    case 'organisation':
      return (
        scopes.includes('admin') && reader.roles.some((role) => role === 'policy-officer' || role === 'administrator')
      )
    case 'node':
      return operator && scopes.includes('admin') && reader.roles.includes('policy-officer')
  }
}

/** Whether the caller may list them: who reads at the originator, and those who may know how it goes with the node's peers. */
export function mayListRecalls(caller: Caller, of: RecallsOf): boolean {
  switch (of) {
    case 'organisation':
      return caller.reader.roles.some((role) => readingRoles.includes(role))
    case 'node':
      return refusalOf(caller, 'read-peer') === undefined
  }
}
