/** What the doors put up with from clients, and from the node itself; by default as `limits` says. */
export type Guards = Readonly<
  Record<
    | 'bodyTimeoutMs'
    | 'connections'
    | 'connectionsPerAddress'
    | 'connectionTimeoutMs'
    | 'databaseWaiting'
    | 'eventLoopDelayMs'
    | 'headersTimeoutMs'
    | 'keepAliveTimeoutMs'
    | 'lingerMs'
    | 'heartbeatMs'
    | 'requestTimeoutMs'
    | 'slowBodyBytes'
    | 'slowBodyMs'
    | 'connectionInitMs'
    | 'streams'
    | 'streamsPerAccount'
    | 'streamStallMs'
    | 'subscriptionsPerSocket',
    number
  >
>

/** How often is looked after bodies, and after the load of the node. */
export const lookEveryMs = 500
