import { type ExecutionArgs, type ExecutionResult, subscribe } from 'graphql'
import type { Log } from '../../actions/index.ts'
import type { Live } from '../../actions/live.ts'
import type { Asked } from './asked.ts'
import { refusedErrors } from './errors.ts'
import type { SubscriptionSocket } from './subscription-socket.ts'

/** A subscription that is about to begin. */
export interface Subscribing extends ExecutionArgs {
  readonly contextValue: Asked & { live?: Live; readonly socket: SubscriptionSocket; readonly address: string }
}

/** What one subscription sends: its pages, and at its end what ended it, with the cursor. Counted among the streams as long as it lasts. */
export function subscribed(args: Subscribing, log: Log): AsyncIterableIterator<ExecutionResult> {
  const results = resultsOf(args, log)
  return {
    [Symbol.asyncIterator]() {
      return this
    },
    next: () => results.next(),
    return: async () => {
      // A generator that waits for a page would hear of it with the page.
      await args.contextValue.live?.return()
      return await results.return(undefined)
    },
  }
}

async function* resultsOf(args: Subscribing, log: Log): AsyncGenerator<ExecutionResult> {
  const { contextValue: asked } = args
  const { socket, caller, address } = asked
  let leave: (() => void) | undefined
  try {
    leave = socket.enter(caller, address)
    const pages = await subscribe(args)
    if (!(Symbol.asyncIterator in pages)) {
      yield pages
      return
    }
    if (asked.live !== undefined) socket.keep(asked.live)
    yield* pages
  } catch (error) {
    const cursor = asked.live?.cursor
    const errors = refusedErrors(error, log).map((each) => ({
      ...each,
      extensions: { ...each.extensions, ...(cursor === undefined ? {} : { cursor }) },
    }))
    yield { data: null, errors: errors as never }
    socket.endWith(error)
  } finally {
    leave?.()
    if (asked.live !== undefined) {
      socket.drop(asked.live)
      await asked.live.return()
    }
  }
}
