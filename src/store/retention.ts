import type { RetentionDuty, RetentionRule } from '../domain/retention.ts'
import type { Tlp } from '../domain/tlp.ts'
import type { Queries, Transaction } from './database.ts'
import { Parameters } from './visible.ts'

/** The rules of retention, in the order in which they are asked. */
export async function readRetention({ client }: Queries): Promise<RetentionRule[]> {
  const { rows } = await client.query<{
    tlp: Tlp[] | null
    types: string[] | null
    personal_data: boolean | null
    after_expiry_days: number | null
    after_recall_days: number | null
  }>('select tlp, types, personal_data, after_expiry_days, after_recall_days from retention_rule order by ordinal')
  return rows.map((row) => ({
    ...(row.tlp === null ? {} : { tlp: row.tlp }),
    ...(row.types === null ? {} : { types: row.types }),
    ...(row.personal_data === null ? {} : { personalData: row.personal_data }),
    ...(row.after_expiry_days === null ? {} : { afterExpiryDays: row.after_expiry_days }),
    ...(row.after_recall_days === null ? {} : { afterRecallDays: row.after_recall_days }),
  }))
}

/** Puts these rules in the place of those there were. */
export async function writeRetention({ client }: Transaction, rules: readonly RetentionRule[]): Promise<void> {
  await client.query('lock table retention_rule in share row exclusive mode')
  await client.query('delete from retention_rule')
  for (const [ordinal, rule] of rules.entries())
    await client.query(
      `insert into retention_rule (ordinal, tlp, types, personal_data, after_expiry_days, after_recall_days)
       values ($1, $2, $3, $4, $5, $6)`,
      [
        ordinal,
        rule.tlp ?? null,
        rule.types ?? null,
        rule.personalData ?? null,
        rule.afterExpiryDays ?? null,
        rule.afterRecallDays ?? null,
      ],
    )
}

/** What a duty is about among rows `i`. `dated`: whether they have a recall with its time. */
function dueCondition(duty: RetentionDuty, at: Date, parameters: Parameters, type: string, dated: boolean): string {
  const add = (value: unknown, cast: string): string => `${parameters.add(value)}::${cast}`
  const reasons = [`i.handling_id = any(${add(duty.over, 'integer[]')})`]
  if (dated && duty.afterRecallDays !== undefined) {
    const before = new Date(at.getTime() - duty.afterRecallDays * 86_400_000).toISOString()
    reasons.push(`(i.recalled and i.date_added <= ${add(before, 'timestamptz')}
      and i.handling_id = any(${add(duty.handlings, 'integer[]')}))`)
  }
  return [
    `(${reasons.join(' or ')})`,
    ...(duty.types === undefined ? [] : [`${type} = any(${add(duty.types, 'text[]')})`]),
    ...(duty.notTypes.length === 0 ? [] : [`${type} <> all(${add(duty.notTypes, 'text[]')})`]),
  ].join(' and ')
}

const nothingDue = ({ over, afterRecallDays }: RetentionDuty, dated: boolean): boolean =>
  over.length === 0 && (!dated || afterRecallDays === undefined)

/** An indicator whose time is over. */
export interface DueIndicator {
  readonly originator: string
  readonly stixId: string
  readonly version: number
  readonly handlingId: number
  readonly recalled: boolean
}

/** Indicators whose time is over, `limit` at most; locked. */
export async function dueIndicators(
  { client }: Transaction,
  duty: RetentionDuty,
  at: Date,
  limit: number,
): Promise<DueIndicator[]> {
  if (nothingDue(duty, true)) return []
  const parameters = new Parameters()
  const condition = dueCondition(duty, at, parameters, 'i.type', true)
  const { rows } = await client.query<DueIndicator>(
    `select i.originator, i.stix_id as "stixId", i.version, i.handling_id as "handlingId", i.recalled
     from indicator i where i.purged_at is null and ${condition} limit ${parameters.add(limit)} for update skip locked`,
    parameters.values,
  )
  return rows
}

/** A STIX object, in its present version, whose time is over. */
export interface DueObject {
  readonly originator: string
  readonly id: string
  readonly recalled: boolean
}

/** Likewise STIX objects. */
export async function dueObjects(
  { client }: Transaction,
  duty: RetentionDuty,
  at: Date,
  limit: number,
): Promise<DueObject[]> {
  if (nothingDue(duty, true)) return []
  const parameters = new Parameters()
  const condition = dueCondition(duty, at, parameters, 'i.type', true)
  const { rows } = await client.query<DueObject>(
    `select i.originator, i.id, i.recalled from stix_object i where i.present and i.purged_at is null and ${condition}
     limit ${parameters.add(limit)} for update skip locked`,
    parameters.values,
  )
  return rows
}

/** How many indicators, STIX objects and events of MISP a duty is about. */
export async function countDue(
  { client }: Queries,
  duty: RetentionDuty,
  at: Date,
): Promise<{ readonly indicators: number; readonly objects: number; readonly events: number }> {
  const count = async (from: string, type: string, dated: boolean): Promise<number> => {
    if (nothingDue(duty, dated)) return 0
    const parameters = new Parameters()
    const condition = dueCondition(duty, at, parameters, type, dated)
    const { rows } = await client.query<{ count: number }>(
      `select count(*)::int as count from ${from} and ${condition}`,
      parameters.values,
    )
    return rows[0]?.count ?? 0
  }
  return {
    indicators: await count('indicator i where i.purged_at is null', 'i.type', true),
    objects: await count('stix_object i where i.present and i.purged_at is null', 'i.type', true),
    events: await count('misp_event i where true', "'misp-event'", false),
  }
}

const these = (alias: string): string =>
  `from unnest($1::uuid[], $2::text[]) k (stix_id, originator) where ${alias}.stix_id = k.stix_id and ${alias}.originator = k.originator`

/** Marks indicators as purged, before anything else is done to them: the end of a retention is no recall. */
export async function markPurged(
  { client }: Transaction,
  keys: readonly (readonly string[])[],
  at: Date,
): Promise<void> {
  await client.query(`update indicator i set purged_at = $3 ${these('i')}`, [...keys, at.toISOString()])
}

/**
 * Deletes what is left of the content of recalled indicators, wherever a copy of it is: versions, envelopes, attributes of events, quarantine, lines
 * of packages; and what the log was told of single ones, with its salt. What remains is that there was something under this id.
 * @param keys STIX uuids, and originators beside them
 */
export async function purgeIndicators(
  { client }: Transaction,
  keys: readonly [uuids: readonly string[], originators: readonly string[]],
): Promise<void> {
  await client.query(
    `update indicator i set value = '', value_key = '\\x00000000000000000000000000000000', compound = false, network = null,
       domain_reversed = null, asn = null, country = null, class = null, confidence = null, name = null, description = null,
       labels = '{}', valid_until = null, first_seen = null, last_seen = null, stix = '{}', received = null, digest = '\\x00' ${these('i')}`,
    [...keys],
  )
  const using = (alias: string): string => these(alias).replace('from', 'using')
  await client.query(`delete from indicator_version v ${using('v')}`, [...keys])
  await client.query(`delete from indicator_observable o ${using('o')}`, [...keys])
  await client.query(`delete from misp_part p ${using('p')}`, [...keys])
  await client.query(`update envelope e set body = null ${these('e')} and not e.bare`, [...keys])
  // What a package has from a hold is of the copy that is kept there.
  const written = `${these('x')} and x.hold is null`
  await client.query(`update export_item x set stix = null, csv = null, handling = null ${written}`, [...keys])
  await client.query(
    `delete from quarantine q using unnest($1::uuid[], $2::text[]) k (stix_id, originator)
     where q.item = 'indicator--' || k.stix_id and q.originator = k.originator`,
    [...keys],
  )
  await client.query(
    `delete from audit_subject s using unnest($1::uuid[]) p (id)
     where starts_with(s.subject, '{"id":"indicator--') and substr(s.subject, 8, 47) = 'indicator--' || p.id`,
    [keys[0]],
  )
}

/** Deletes what recalled STIX objects said: earlier versions go, and of the last that it was taken back stays. */
export async function purgeObjects(
  { client }: Transaction,
  keys: readonly [ids: readonly string[], originators: readonly string[]],
  at: Date,
): Promise<void> {
  const which = 'unnest($1::text[], $2::text[]) k (id, originator) where o.id = k.id and o.originator = k.originator'
  await client.query(`delete from stix_object o using ${which} and not o.present`, [...keys])
  await client.query(
    `update stix_object o set purged_at = $3, needs = '{}', about = '{}', refs = '{}', received = null, digest = '\\x00',
       stix = json_build_object('type', o.type, 'spec_version', '2.1', 'id', o.id, 'created', o.stix::json ->> 'created',
         'modified', o.stix::json ->> 'modified', 'revoked', true)::text
     from ${which}`,
    [...keys, at.toISOString()],
  )
}

/** Deletes events of MISP whose sharing ended, with all they consist of; and context of others under the same handlings. */
export async function purgeEvents({ client }: Transaction, over: readonly number[], limit: number): Promise<number> {
  if (over.length === 0) return 0
  const { rows } = await client.query<{ uuid: string; originator: string }>(
    `delete from misp_event e where (e.uuid, e.originator) in (
       select uuid, originator from misp_event where handling_id = any($1::integer[]) limit $2 for update skip locked)
     returning e.uuid, e.originator`,
    [over, limit],
  )
  await client.query(
    `delete from misp_part p using unnest($1::uuid[], $2::text[]) k (event, originator)
     where p.event = k.event and p.originator = k.originator`,
    [rows.map(({ uuid }) => uuid), rows.map(({ originator }) => originator)],
  )
  const parts = await client.query(
    `delete from misp_part p where (p.event, p.originator, p.kind, p.uuid) in (
       select event, originator, kind, uuid from misp_part where handling_id = any($1::integer[]) limit $2 for update skip locked)`,
    [over, limit],
  )
  return rows.length + (parts.rowCount ?? 0)
}
