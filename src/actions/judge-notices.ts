import { readerOfOrganisation, worldOf } from '../domain/directory.ts'
import type { Envelope, MembershipContent, SightedContent } from '../domain/envelope.ts'
import type { Handling } from '../domain/handling.ts'
import { mayReportOn } from '../policy/reports.ts'
import type { KnownVersion } from '../policy/version-rules.ts'
import { heldHandlings, type KnownNotice, noticesNamed } from '../store/notices.ts'
import type { Context, Standing } from './context.ts'
import { isRead } from './read-through.ts'
import type { OpenedEntry } from './set-aside.ts'

/** A sighting or a departure that is to have an effect. */
export interface EffectiveNotice {
  readonly entry: OpenedEntry
  readonly envelope: Envelope<SightedContent | MembershipContent>
  readonly digest: Buffer
  readonly handling: Handling | null
}

/** What is known of the notices of a page before any of it has an effect. */
export interface NoticeFacts {
  readonly known: (envelope: Envelope) => KnownVersion | undefined
  /** The handling of what a reporter has seen; undefined for what is not here, and for what it may not have by our own word. */
  readonly targetOf: (of: SightedContent['of'], reporter: string) => Handling | undefined
  /** To be told of what is to be applied: what comes after it in the page follows it. */
  readonly learn: (envelope: Envelope, digest: Buffer) => void
}

/** Looks up what a page is about that is no indicator, by its own word: whether that word is good is judged with it. */
export async function noticeFacts(
  { database, clock }: Context,
  { directory, visibility }: Standing,
  entries: readonly (OpenedEntry | { readonly fault: string })[],
): Promise<NoticeFacts> {
  const named = entries.flatMap((entry) => {
    const notice = 'fault' in entry ? undefined : claimedNotice(entry)
    return notice === undefined ? [] : [notice]
  })
  const known = new Map<string, KnownVersion>()
  for (const row of await noticesNamed(
    database,
    named.map(({ id }) => id),
  ))
    known.set(keyOf(row), versionOf(row))
  const targets = await heldHandlings(
    database,
    named.flatMap(({ of }) => of ?? []),
  )
  const [at, world] = [clock(), worldOf(directory)]
  const mayReport = (reporter: string, originator: string, handling: Handling): boolean =>
    mayReportOn(reporter, readerOfOrganisation(directory, reporter), { originator, handling }, at, world)
  return {
    known: ({ id: item, originator }) => known.get(keyOf({ item, originator })),
    targetOf: ({ originator, id }, reporter) => {
      const known = targets.get(`${id.slice('indicator--'.length)} ${originator}`)
      const handling = known === undefined ? undefined : visibility.handling(known)
      return handling !== undefined && mayReport(reporter, originator, handling) ? handling : undefined
    },
    learn: ({ id: item, originator, version, epoch }, digest) =>
      known.set(keyOf({ item, originator }), versionOf({ item, originator, version, epoch, digest, handlingId: null })),
  }
}

const keyOf = ({ item, originator }: Pick<KnownNotice, 'item' | 'originator'>): string => `${item} ${originator}`

const versionOf = ({ version, digest, epoch }: KnownNotice): KnownVersion => ({
  ...{ version, digest, epoch, held: true, bare: false, recalled: false },
})

/** What a text says that it is about, where that is a notice. */
export function claimedNotice({
  envelope: text,
  read,
}: OpenedEntry):
  | { readonly id: string; readonly of?: { readonly originator: string; readonly stixId: string } }
  | undefined {
  // Notices are small: nothing large is parsed for their sake.
  if (text.length > noticeCharacters) return undefined
  try {
    if (isRead(read) && !noticeId.test(read.id)) return undefined
    const { id, content } = JSON.parse(text) as { readonly id?: unknown; readonly content?: { readonly of?: unknown } }
    if (typeof id !== 'string' || !noticeId.test(id)) return undefined
    const { originator, id: target } = (content?.of ?? {}) as Readonly<Record<string, unknown>>
    if (typeof originator !== 'string' || typeof target !== 'string' || !indicatorId.test(target)) return { id }
    return { id, of: { originator, stixId: target.slice('indicator--'.length) } }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

const noticeCharacters = 262_144
const noticeId = /^(sighting|membership)--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const indicatorId = /^indicator--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
