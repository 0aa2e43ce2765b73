import { inArray } from 'drizzle-orm'
import type { Account, Role } from '../domain/account.ts'
import type { Agreement, Purpose } from '../domain/agreement.ts'
import type { Directory } from '../domain/directory.ts'
import type { Community, Organisation, OrganisationKind } from '../domain/organisation.ts'
import type { LegalGrant } from '../domain/reader.ts'
import type { StixMarkings } from '../domain/stix-markings.ts'
import type { Tlp } from '../domain/tlp.ts'
import type { Database, Queries } from './database.ts'
import { readEpoch } from './node.ts'
import { readPeers } from './peers.ts'
import { account } from './tables/account.ts'
import { agreement, client, community, communityMember, node, organisation } from './tables/directory.ts'
import { legalRequest } from './tables/legal.ts'

/** The whole directory in one snapshot, so that its parts belong to one policy epoch. */
export function loadDirectory(database: Database): Promise<Directory> {
  return database.transaction(snapshot, 'isolation level repeatable read read only')
}

async function snapshot(queries: Queries): Promise<Directory> {
  const { db } = queries
  const epoch = await readEpoch(queries)
  const [self] = await db.select().from(node)
  const clients = await db.select({ provider: client.provider, client: client.client }).from(client)
  return {
    epoch,
    operator: self?.operator ?? undefined,
    greenCommunity: self?.greenCommunity ?? undefined,
    organisations: byId((await db.select().from(organisation)).map(toOrganisation)),
    accounts: byId((await db.select().from(account)).map(toAccount)),
    communities: byId(await communitiesWithMembers(queries)),
    clients,
    agreements: (await db.select().from(agreement).orderBy(agreement.id)).map(toAgreement),
    grants: await grantsByAccount(queries),
    peers: byId(await readPeers(queries)),
  }
}

const byId = <T extends { readonly id: string }>(items: readonly T[]): Map<string, T> =>
  new Map(items.map((item) => [item.id, item]))

export const toOrganisation = (row: typeof organisation.$inferSelect): Organisation => ({
  id: row.id,
  name: row.name,
  kind: row.kind as OrganisationKind,
  jurisdiction: row.jurisdiction,
  disabled: row.disabledAt !== null,
})

export const toAccount = (row: typeof account.$inferSelect): Account => ({
  id: row.id,
  organisation: row.organisation,
  name: row.name,
  roles: row.roles as Role[],
  disabled: row.disabledAt !== null,
  stixMarkings: row.stixMarkings as StixMarkings,
})

export const toAgreement = (row: typeof agreement.$inferSelect): Agreement => ({
  id: row.id,
  name: row.name,
  parties: row.parties,
  maxTlp: row.maxTlp as Tlp,
  purposes: row.purposes as Purpose[],
  personalData: row.personalData,
  validFrom: row.validFrom.toISOString(),
  ...(row.validTo === null ? {} : { validTo: row.validTo.toISOString() }),
  citation: row.citation,
  example: row.example,
})

async function communitiesWithMembers({ db }: Queries): Promise<Community[]> {
  const members = new Map<string, string[]>()
  for (const row of await db.select().from(communityMember).orderBy(communityMember.organisation)) {
    members.set(row.community, [...(members.get(row.community) ?? []), row.organisation])
  }
  const rows = await db.select().from(community).orderBy(community.id)
  return rows.map(({ id, name, description }) => ({ id, name, description, members: members.get(id) ?? [] }))
}

/** Approved requests only; whether one is in force at an instant is the policy's to say. */
async function grantsByAccount({ db }: Queries): Promise<Map<string, LegalGrant[]>> {
  const grants = new Map<string, LegalGrant[]>()
  const rows = await db
    .select()
    .from(legalRequest)
    .where(inArray(legalRequest.state, ['approved', 'fulfilled']))
    .orderBy(legalRequest.id)
  for (const row of rows) {
    if (row.approvedAt === null) continue
    const grant: LegalGrant = {
      request: row.id,
      originators: row.originators,
      approvedAt: row.approvedAt.toISOString(),
      expiresAt: row.expiresAt.toISOString(),
    }
    grants.set(row.liaison, [...(grants.get(row.liaison) ?? []), grant])
  }
  return grants
}
