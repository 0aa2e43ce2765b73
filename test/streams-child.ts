import { EventClient, type SseDoor } from './sse.ts'

/**
 * Clients of many streams, in a process of their own (`fork`): they and the node would share one process's file descriptors and time
 * otherwise. Asked one thing at a time, it answers each.
 */

/** A stream to open. */
export interface StreamDoor extends SseDoor {
  /** The organisation that asks; the public has none. */
  readonly organisation: string | undefined
}

export type Ask =
  | { readonly open: readonly StreamDoor[] }
  /** Answered when each stream has so many events. */
  | { readonly counts: readonly number[] }
  /** A stream that is read no more, until it is `resumed`: then to its end, and on from its cursor. */
  | { readonly stalled: number }
  | { readonly resumed: number }
  | { readonly tell: true }

/** `told`: each stream's changes in order, with `permit` or `redact`; `ends`: the codes by which streams ended; `digests`: what masked
 * values stood for whom. */
export type Told = {
  readonly ends: readonly string[]
  readonly told: readonly (readonly string[])[]
  readonly digests: readonly (readonly [digest: string, organisation: string])[]
}
export type Reply = { readonly done: true } | { readonly failed: string } | Told

let doors: readonly StreamDoor[] = []
let clients: EventClient[] = []

async function answer(ask: Ask): Promise<Reply> {
  if ('open' in ask) {
    doors = ask.open
    clients = []
    // Not all at once: what a node lets wait for its connection is less than ten thousand.
    for (let at = 0; at < doors.length; at += 200) {
      clients.push(...(await Promise.all(doors.slice(at, at + 200).map((door) => new EventClient(door).open()))))
    }
    return { done: true }
  }
  if ('counts' in ask) {
    for (const [n, client] of clients.entries()) {
      await client.until(
        ({ events }) => events.filter(({ event }) => event !== 'end').length >= (ask.counts[n] ?? 0),
        `stream ${n}`,
        60_000 + clients.length * 20,
      )
    }
    return { done: true }
  }
  if ('stalled' in ask) {
    clients[ask.stalled]?.pause()
    return { done: true }
  }
  if ('resumed' in ask) {
    const client = clients[ask.resumed]
    client?.resume()
    await client?.until(({ closed }) => closed, 'its end')
    await client?.open()
    return { done: true }
  }
  const changes = clients.map(({ events }) => events.filter(({ event }) => event !== 'end'))
  return {
    ends: clients.flatMap(({ events }) => events.filter(({ event }) => event === 'end').map(({ data }) => data.code)),
    told: changes.map((events, n) => events.map((event) => shown(event, doors[n]?.organisation))),
    digests: clients.flatMap((client, n) =>
      client.events
        .filter(({ data }) => data.indicator?.masked === true)
        .map(({ data }) => [data.indicator.value, doors[n]?.organisation ?? ''] as const),
    ),
  }
}

function shown({ event, data }: EventClient['events'][number], own: string | undefined): string {
  const { indicator } = data
  if (indicator === undefined) return `${event} ${data.id.slice(-4)}`
  const audience = indicator.handling.audience.filter((each: string) => !each.startsWith('community:'))
  if (indicator.originator?.id !== own && audience.some((each: string) => each !== own)) {
    return `${event} with the audience of somebody else`
  }
  const plain = JSON.stringify(indicator).includes('@example.com')
  return `${event} ${data.id.slice(-4)} ${indicator.masked ? (plain ? 'leaked' : 'redact') : 'permit'}`
}

process.on('message', (ask: Ask) => {
  answer(ask).then(
    (reply) => process.send?.(reply),
    (error: Error) => process.send?.({ failed: error.message }),
  )
})
