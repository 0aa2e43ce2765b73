import { Counter, Gauge, type Registry } from 'prom-client'
import { type Context, measureNode, measureProcess, type Operation, type ProcessState } from '../../actions/index.ts'
import type { Streams } from '../streams.ts'

/** One number, or one for each value of a label. */
type Reading = number | Readonly<Record<string, number>>

interface Measure<State> {
  readonly name: string
  readonly help: string
  /** Name of the label, where there are several readings. */
  readonly label?: string
  readonly of: (state: State) => Reading
}

/** Of the whole node: every process says the same. */
const ofNode: readonly Measure<Operation>[] = [
  { name: 'puente_feed_position', help: 'Entries of the feed so far.', of: (now) => now.feedPosition },
  {
    name: 'puente_audit_pending_leaves',
    help: 'Leaves of the audit log without a place in its tree.',
    of: (now) => now.auditPending,
  },
  {
    name: 'puente_webhook_endpoints',
    help: 'Endpoints of webhooks, by how it goes.',
    label: 'state',
    of: (now) => ({ active: now.webhooksActive, failing: now.webhooksFailing, paused: now.webhooksPaused }),
  },
  {
    name: 'puente_webhook_deliveries',
    help: 'Deliveries of webhooks that wait, and that were given up.',
    label: 'state',
    of: (now) => ({ waiting: now.deliveriesWaiting, dead: now.deliveriesDead }),
  },
  {
    name: 'puente_webhook_delivery_age_seconds',
    help: 'Age of the delivery that has waited longest.',
    of: (now) => now.deliverySeconds,
  },
  {
    name: 'puente_peers',
    help: 'Peers: all that are active, and those that taking from fails or that are stale.',
    label: 'state',
    of: (now) => ({ active: now.peersActive, failing: now.peersFailing, stale: now.peersStale }),
  },
  {
    name: 'puente_peer_silence_seconds',
    help: 'Time since the last page of the peer that gave none for longest.',
    of: (now) => now.peerSeconds,
  },
]

/** Of each process; of several they are added up. */
const ofProcess: readonly (Measure<ProcessState & { readonly followers: number }> & { readonly counts?: true })[] = [
  {
    name: 'puente_records_total',
    help: 'Records of pushes, by what became of them.',
    label: 'outcome',
    counts: true,
    of: ({ records }) => records,
  },
  {
    name: 'puente_observations_total',
    help: 'Records of streams of observations.',
    counts: true,
    of: ({ observations }) => observations,
  },
  { name: 'puente_pushes', help: 'Pushes under way.', of: ({ pushes }) => pushes },
  { name: 'puente_followers', help: 'Streams and subscriptions open.', of: ({ followers }) => followers },
  {
    name: 'puente_audit_queue_leaves',
    help: 'Readings that wait for the audit log.',
    of: ({ auditQueue }) => auditQueue,
  },
  {
    name: 'puente_database_connections',
    help: 'Connections to the database, and queries that wait for one.',
    label: 'state',
    of: ({ connections: { busy, idle, waiting } }) => ({ busy, idle, waiting }),
  },
]

/** How long what the database said is good for: all numbers of one answer are of one look. */
const lookMs = 1_000

/** Measures the node and this process whenever somebody asks. */
export function measureState(context: Context, streams: Streams, registry: Registry): void {
  for (const { name, help, label, of, counts } of ofProcess) {
    const Kind = counts === true ? Counter : Gauge
    new Kind({
      ...{ name, help, labelNames: label === undefined ? [] : [label], registers: [registry] },
      collect() {
        this.reset()
        const state = { ...measureProcess(context), followers: streams.size }
        for (const [labels, value] of readings(label, of(state))) this.inc(labels, value)
      },
    })
  }
  const look = looking(context)
  for (const { name, help, label, of } of ofNode) {
    new Gauge({
      ...{ name, help, labelNames: label === undefined ? [] : [label], registers: [registry], aggregator: 'max' },
      async collect() {
        const now = await look()
        // What is not known is not said: neither as nothing, nor as it was.
        this.reset()
        if (now !== undefined) for (const [labels, value] of readings(label, of(now))) this.set(labels, value)
        else if (label === undefined) this.remove()
      },
    })
  }
}

const readings = (label: string | undefined, reading: Reading): (readonly [Record<string, string>, number])[] =>
  typeof reading === 'number'
    ? [[{}, reading]]
    : Object.entries(reading).map(([value, number]) => [{ [label ?? '']: value }, number] as const)

/** The last look at the database, made anew when it is old; nothing while the database does not answer. */
function looking(context: Context): () => Promise<Operation | undefined> {
  let last: Promise<Operation | undefined> | undefined
  let at = Number.NEGATIVE_INFINITY
  return () => {
    if (last === undefined || performance.now() - at > lookMs) {
      at = performance.now()
      last = measureNode(context).catch((error: unknown) => {
        context.log.warn({ error }, 'the node could not be measured')
        return undefined
      })
    }
    return last
  }
}
