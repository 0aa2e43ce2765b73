import type { Caller } from '../domain/caller.ts'
import type { Handling } from '../domain/handling.ts'
import { limits } from '../domain/limits.ts'
import { observableTypes } from '../domain/observables/types.ts'
import { dutiesOf, type RetentionDuty, type RetentionRule, wordsOf, wordTypes } from '../domain/retention.ts'
import { propertiesOf } from '../formats/stix-properties.ts'
import { countDue, readRetention, writeRetention } from '../store/retention.ts'
import { countWords } from '../store/words.ts'
import type { Context, Standing } from './context.ts'
import { invalid } from './legal-text.ts'
import { administrative } from './organisations.ts'
import { record, verb } from './verb.ts'

/** The rules of retention, in the order in which they are asked. */
export const listRetention = verb(
  'list-retention',
  async ({ database }: Context): Promise<RetentionRule[]> => await readRetention(database),
)

export interface SetRetentionInput {
  readonly rules: readonly RetentionRule[]
}

/** Puts rules in the place of those there were; none: everything is kept. @throws {Fault} `invalid_request` */
export const setRetention = verb(
  'set-retention',
  async (context: Context, caller: Caller, { rules }: SetRetentionInput, standing): Promise<RetentionRule[]> => {
    if (rules.length > limits.retentionRules) throw invalid('/rules', `At most ${limits.retentionRules} rules.`)
    for (const [n, rule] of rules.entries()) checkRule(rule, `/rules/${n}`)
    return await context.database.transaction(async (transaction) => {
      await writeRetention(transaction, rules)
      await record(transaction, context, caller, standing, administrative('set-retention', { rules }))
      return await readRetention(transaction)
    })
  },
)

const others: ReadonlySet<string> = new Set(['misp-event', ...wordTypes])

function checkRule({ tlp, types, afterExpiryDays, afterRecallDays }: RetentionRule, at: string): void {
  if (afterExpiryDays === undefined && afterRecallDays === undefined)
    throw invalid(at, 'A rule says after how many days of expiry or of recall.')
  for (const [name, days] of Object.entries({ afterExpiryDays, afterRecallDays }))
    if (days !== undefined && !(Number.isInteger(days) && days >= 1 && days <= limits.retentionDays))
      throw invalid(`${at}/${name}`, `1 to ${limits.retentionDays} days.`)
  if (tlp?.length === 0) throw invalid(`${at}/tlp`, 'An empty list matches nothing: leave it out.')
  if (types?.length === 0) throw invalid(`${at}/types`, 'An empty list matches nothing: leave it out.')
  for (const [n, type] of (types ?? []).entries())
    if (!observableTypes.has(type) && !propertiesOf.has(type) && !others.has(type))
      throw invalid(
        `${at}/types/${n}`,
        `No type of an indicator or STIX object, and none of ${[...others].join(', ')}.`,
      )
}

/** How much a rule would purge now. */
export interface RetentionDue {
  /** Place of the rule, from 0. */
  readonly rule: number
  readonly indicators: number
  readonly objects: number
  readonly events: number
  /** Requests for assistance, exchanges with sources, and requests to be told who they are. */
  readonly words: number
}

/** What would be purged now, by rule; nothing is. */
export const previewRetention = verb(
  'preview-retention',
  async (context: Context, _caller: Caller, _input: object, standing): Promise<RetentionDue[]> => {
    const at = context.clock()
    const rules = await readRetention(context.database)
    const due = rules.map((_, rule) => ({ rule, indicators: 0, objects: 0, events: 0, words: 0 }))
    for (const duty of duties(rules, standing, at)) {
      const counts = await countDue(context.database, duty, at)
      const one = due[duty.rule]
      if (one === undefined) continue
      one.indicators += counts.indicators
      one.objects += counts.objects
      one.events += counts.events
      for (const type of wordsOf(duty)) one.words += await countWords(context.database, type, duty, at)
    }
    return due
  },
)

/** What the rules ask for, of all handlings that are known. */
export function duties(rules: readonly RetentionRule[], { visibility }: Standing, at: Date): RetentionDuty[] {
  if (rules.length === 0) return []
  const handlings: (readonly [number, Handling])[] = []
  for (let id = 0; id < visibility.size; id++) {
    const handling = visibility.handling(id)
    if (handling !== undefined) handlings.push([id, handling])
  }
  return dutiesOf(rules, handlings, at)
}
