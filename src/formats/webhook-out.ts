import type { Released } from '../domain/released.ts'
import { indicatorJson } from './json-out.ts'

/** What changed, as a follower is told. */
interface Changed {
  readonly change: string
  readonly id: string
  readonly indicator?: Released
}

/** A delivery of changes to an endpoint. */
export interface ChangesOut {
  /** Subscription id. */
  readonly subscription: string
  /** ISO 8601: when the delivery was made; the same at each attempt. */
  readonly timestamp: string
  readonly changes: readonly Changed[]
  /** Where the feed goes on after it. */
  readonly cursor: string
}

/** The body of a delivery: `type`, `timestamp` and `data` as Standard Webhooks 1.0.0 has them, the changes as in `GET /v1/feed`. */
export const changesBody = ({ timestamp, subscription, changes, cursor }: ChangesOut): string =>
  JSON.stringify({
    type: 'indicators.changed',
    timestamp,
    data: { subscription, changes: changes.map(changed), cursor },
  })

const changed = (change: Changed): object =>
  change.indicator === undefined ? change : { ...change, indicator: indicatorJson(change.indicator) }

/** The body of a ping: for trying an endpoint out. */
export const pingBody = (subscription: string, timestamp: string): string =>
  JSON.stringify({ type: 'webhook.ping', timestamp, data: { subscription } })
