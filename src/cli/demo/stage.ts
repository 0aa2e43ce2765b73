import { isDeepStrictEqual } from 'node:util'
import type { Explanation } from '../../actions/explain.ts'
import type { PublishReceipt } from '../../actions/publish.ts'
import type { Tlp } from '../../domain/tlp.ts'
import { type Answer, call, path, send, type Target } from '../client.ts'
import { operator, organisations } from './cast.ts'
import type { Narrator } from './narrator.ts'
import type { DemoAccount } from './seed.ts'

/** What an indicator looks like over REST and GraphQL, as far as the transcript looks. */
export interface Seen {
  readonly value: string
  readonly masked: boolean
  readonly tlp: Tlp
}

/** A statement of the transcript that does not hold. */
export class NotAsTold extends Error {}

/** @throws {NotAsTold} */
export function expect(holds: boolean, statement: string): asserts holds {
  if (!holds) throw new NotAsTold(statement)
}

/** The running node with its people: what the scenes are played on. */
export class Stage {
  readonly url: string
  readonly narrator: Narrator
  readonly #accounts: readonly DemoAccount[]

  constructor(url: string, accounts: readonly DemoAccount[], narrator: Narrator) {
    this.url = url
    this.narrator = narrator
    this.#accounts = accounts
  }

  /** The account as a client; undefined is the public. */
  as(account: string | undefined, purpose?: string): Target {
    const apiKey = this.#accounts.find(({ id }) => id === account)?.apiKey
    if (account !== undefined && apiKey === undefined) throw new Error(`there is no account ${account}`)
    return {
      url: this.url,
      ...(apiKey === undefined ? {} : { apiKey }),
      ...(purpose === undefined ? {} : { purpose }),
    }
  }

  /** Publishes one record and finds it again. @returns its id */
  async publish(
    account: string,
    record: { readonly type: string; readonly value: string; readonly [member: string]: unknown },
  ): Promise<string> {
    const request = { method: 'POST', body: record } as const
    const receipt = await call<PublishReceipt>(this.as(account), '/v1/indicators', request)
    expect(receipt.accepted === 1, `${account} publishes ${record.value}`)
    const { type, value } = record
    const query = new URLSearchParams({ type, value, originator: this.organisationOf(account) })
    const { items } = await call<{ items: { id: string }[] }>(this.as(account), `/v1/indicators?${query}`)
    expect(items.length === 1 && items[0] !== undefined, `${account} finds ${record.value} after publishing it`)
    return items[0].id
  }

  /** The indicator as the account gets it, undefined where it is absent; REST and GraphQL must tell the same. */
  async see(account: string | undefined, id: string, purpose?: string): Promise<Seen | undefined> {
    const target = this.as(account, purpose)
    const rest = seenByRest(await this.read(account, id, purpose))
    const query = 'query ($id: ID!) { indicator(id: $id) { value masked handling { tlp } } }'
    const request = { method: 'POST', body: { query, variables: { id } } } as const
    const { data } = await call<GraphqlAnswer>(target, '/graphql', request)
    const found = data?.indicator ?? undefined
    const graphql = found && { value: found.value, masked: found.masked, tlp: tlpOfEnum(found.handling.tlp) }
    expect(isDeepStrictEqual(rest, graphql), `REST and GraphQL tell ${account ?? 'the public'} the same`)
    return rest
  }

  /** The bare answer of REST. */
  read(account: string | undefined, id: string, purpose?: string): Promise<Answer> {
    return send(this.as(account, purpose), path('v1', 'indicators', id))
  }

  /** What an organisation sees of it and why, as its originator may ask. */
  explain(originator: string, id: string, organisation: string, purpose?: string): Promise<Explanation> {
    const place = `${path('v1', 'indicators', id, 'explain')}?organisation=${organisation}`
    return call<Explanation>(this.as(originator, purpose), place)
  }

  /** `Ana of CERT.br (BR)`. */
  person(account: string): string {
    const known = this.#accounts.find(({ id }) => id === account)
    const home = [operator, ...organisations].find(({ id }) => id === known?.organisation)
    return `${known?.name ?? account} of ${home?.name ?? '?'} (${home?.jurisdiction ?? '?'})`
  }

  organisationOf(account: string): string {
    return this.#accounts.find(({ id }) => id === account)?.organisation ?? ''
  }
}

interface GraphqlAnswer {
  readonly data?: {
    readonly indicator: {
      readonly value: string
      readonly masked: boolean
      readonly handling: { readonly tlp: string }
    } | null
  }
}

function seenByRest({ status, text }: Answer): Seen | undefined {
  if (status !== 200) return undefined
  const { value, masked, handling } = JSON.parse(text) as { value: string; masked: boolean; handling: { tlp: Tlp } }
  return { value, masked, tlp: handling.tlp }
}

/** GraphQL's enums have no `+`. */
const tlpOfEnum = (name: string): Tlp => name.toLowerCase().replace('_', '+') as Tlp
