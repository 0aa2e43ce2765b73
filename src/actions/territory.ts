import { createHash } from 'node:crypto'
import type { Caller } from '../domain/caller.ts'
import { readTerritory, type Territory } from '../store/territory.ts'
import type { Context } from './context.ts'

export type { Territory } from '../store/territory.ts'

const nowhere: Territory = {
  prefixes: [],
  otherPrefixes: [],
  asns: [],
  countries: [],
  domains: [],
  otherDomains: [],
}

/** What concerns the caller's organisation, where a filter asks for that; the public answers for nothing. */
export async function territoryFor(
  context: Context,
  { reader }: Caller,
  { constituency }: { readonly constituency?: boolean },
): Promise<Territory | undefined> {
  if (constituency !== true) return undefined
  const organisation = reader.organisation?.id
  return organisation === undefined ? nowhere : await readTerritory(context.database, organisation)
}

/** A number that changes when the territory does, as a cursor holds it: 63 bits. */
export const territoryMark = (territory: Territory): bigint =>
  createHash('sha256').update(JSON.stringify(territory)).digest().readBigInt64BE() & 0x7fff_ffff_ffff_ffffn
