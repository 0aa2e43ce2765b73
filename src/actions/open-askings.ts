import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { ReplySide } from '../domain/reply.ts'
import type { Transaction } from '../store/database.ts'
import { askAlone, openAssistance, openAttribution, openWords } from '../store/open-askings.ts'
import type { VisibleTo } from '../store/visible.ts'

// Nobody buries others under what they are to answer. Each counts what an organisation knows itself, and nothing that is hidden from it.

/** @throws {Fault} `rate_limited` */
export async function refuseMoreAssistance(transaction: Transaction, organisation: string, at: Date): Promise<void> {
  await askAlone(transaction, 'assistance', organisation)
  refuseOver(await openAssistance(transaction, organisation, at), 'requests for assistance that are not answered')
}

/** @throws {Fault} `rate_limited` */
export async function refuseMoreAttribution(transaction: Transaction, organisation: string, at: Date): Promise<void> {
  await askAlone(transaction, 'attribution', organisation)
  refuseOver(await openAttribution(transaction, organisation, at), 'requests about sources that are not decided')
}

/** @throws {Fault} `rate_limited` */
export async function refuseMoreWords(transaction: Transaction, visible: VisibleTo, side: ReplySide): Promise<void> {
  await askAlone(transaction, 'words', visible.organisation ?? '')
  refuseOver(await openWords(transaction, visible, side), 'messages to sources or readers that are not answered')
}

function refuseOver(open: number, what: string): void {
  if (open < limits.openAskings) return
  throw new Fault('rate_limited', `An organisation has at most ${limits.openAskings} ${what}.`, {
    retryAfterSeconds: 3_600,
  })
}
