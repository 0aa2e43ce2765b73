import { limits } from '../domain/limits.ts'
import { type Operation, operation } from '../store/operation.ts'
import type { Context } from './context.ts'

export type { Operation }

/** What this process has at hand. */
export interface ProcessState {
  readonly records: Readonly<Record<'accepted' | 'unchanged' | 'rejected', number>>
  readonly observations: number
  /** Pushes under way. */
  readonly pushes: number
  /** Readings that wait for the audit log. */
  readonly auditQueue: number
  /** Connections to the database, and what waits for one. */
  readonly connections: { readonly busy: number; readonly idle: number; readonly waiting: number }
}

/** How far things are and what waits, for whoever runs the node: it asks no permission, so no door of the API may give it out. */
export const measureNode = ({ database, clock }: Context): Promise<Operation> =>
  operation(database, clock(), limits.peerStaleSeconds)

export function measureProcess({ meters, turns, audit, database }: Context): ProcessState {
  const { records, observations } = meters
  return { records, observations, pushes: turns.pushes, auditQueue: audit.length, connections: database.connections }
}
