import {
  type Context,
  exchangeCheckpoints,
  expireAssistance,
  expireAttributionRequests,
  expireRequests,
  fetchPeerKeys,
  forgetEndedTokens,
  forgetLetters,
  forgetOldStatuses,
  forgetOldViews,
  forgetPackages,
  integrateAudit,
  isReady,
  type Log,
  makeRoom,
  mergeObservations,
  publishFigures,
  purge,
  refreshKeySet,
  ringDoorbells,
  runExports,
  sealFeed,
  sealNotices,
  tendHolds,
  tendPeers,
  tendSigningKeys,
  tendWidening,
} from './actions/index.ts'

/** Something that runs on the clock. */
export interface Job {
  readonly name: string
  /** Milliseconds between the end of one run and the start of the next. */
  readonly everyMs: number
  readonly run: (context: Context) => Promise<unknown>
}

/** What a node does without being asked. */
export const jobs: readonly Job[] = [
  // logs a warning when the database does not answer, so that an idle node is not silent about it
  { name: 'readiness', everyMs: 30_000, run: isReady },
  // what other processes changed is heard of at once; whatever happens to that word, it is found within a second
  { name: 'lookout', everyMs: 1_000, run: ({ lookout }) => lookout.look() },
  // the feed and the audit log grow without end, a partition at a time
  { name: 'partitions', everyMs: 600_000, run: makeRoom },
  // cursors of followers that stayed away for a month are given up
  { name: 'feed views', everyMs: 3_600_000, run: forgetOldViews },
  // leaves get their place in the audit log's tree, and the tree a signed head
  { name: 'audit tree', everyMs: 1_000, run: integrateAudit },
  // signing keys are changed before they are old, and dropped when no token of theirs can be valid
  { name: 'signing keys', everyMs: 600_000, run: tendSigningKeys },
  { name: 'ended tokens', everyMs: 60_000, run: forgetEndedTokens },
  // more often than keys are old, so that they never are when the issuer answers
  { name: 'key set of the external issuer', everyMs: 60_000, run: refreshKeySet },
  // deliveries that nobody took are not kept for ever
  { name: 'dead letters', everyMs: 3_600_000, run: forgetLetters },
  // what peers may be given is sealed before they ask
  { name: 'seals', everyMs: 1_000, run: sealFeed },
  { name: 'notices', everyMs: 1_000, run: sealNotices },
  // what is not believed any more is let go of, and what waited in quarantine is examined again
  { name: 'peers', everyMs: 2_000, run: tendPeers },
  // nodes hold each other to what they signed of their logs
  { name: 'checkpoints', everyMs: 10_000, run: exchangeCheckpoints },
  // peers that stayed away are told that there is something for them
  { name: 'doorbells', everyMs: 5_000, run: ringDoorbells },
  // a peer's new key is pinned before it signs
  { name: 'keys of peers', everyMs: 60_000, run: fetchPeerKeys },
  // other nodes are told of requests to widen, and what nobody answered ends
  { name: 'requests to widen', everyMs: 2_000, run: tendWidening },
  // packages are made a step at a time, by any process
  { name: 'exports', everyMs: 1_000, run: (context) => runExports(context) },
  // what the rules of retention say is over goes for good
  { name: 'retention', everyMs: 600_000, run: (context) => purge(context) },
  // years that are over, where the operator publishes figures
  { name: 'figures', everyMs: 60_000, run: publishFigures },
  { name: 'packages', everyMs: 600_000, run: forgetPackages },
  // what a request gave ended at its instant; here it is said of it
  { name: 'legal requests', everyMs: 60_000, run: expireRequests },
  // what an approved request of preservation covers is copied at once, and let go of when it is over
  { name: 'holds', everyMs: 1_000, run: tendHolds },
  // what nobody took up by its time
  { name: 'assistance', everyMs: 60_000, run: expireAssistance },
  { name: 'attribution requests', everyMs: 60_000, run: expireAttributionRequests },
  // what became of what was sent to a collection
  { name: 'collection statuses', everyMs: 3_600_000, run: forgetOldStatuses },
  // streams append what they counted; pages of one indicator stay short when it is added up
  { name: 'observations', everyMs: 10_000, run: mergeObservations },
]

export interface Schedule {
  /** Starts no further run and waits for those under way. */
  stop(): Promise<void>
}

/** Runs each job over and over, never twice at once; a run that fails is logged and the next one comes. */
export function startSchedule(context: Context, log: Log, what: readonly Job[] = jobs): Schedule {
  const timers = new Map<Job, NodeJS.Timeout>()
  const running = new Set<Promise<void>>()
  let stopped = false
  const plan = (job: Job) => {
    if (stopped) return
    const timer = setTimeout(() => {
      const run = once(job, context, log).finally(() => running.delete(run))
      running.add(run)
      void run.then(() => plan(job))
    }, job.everyMs)
    // the clock alone keeps no process alive
    timers.set(job, timer.unref())
  }
  for (const job of what) plan(job)
  const stop = async () => {
    stopped = true
    for (const timer of timers.values()) clearTimeout(timer)
    await Promise.all(running)
  }
  return { stop }
}

async function once(job: Job, context: Context, log: Log): Promise<void> {
  try {
    await job.run(context)
  } catch (error) {
    log.error({ error, job: job.name }, 'a job failed')
  }
}
