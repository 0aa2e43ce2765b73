import type { ReadPage } from '../formats/feed-page.ts'
import type { AskedPage } from './ask-page.ts'
import { readThrough } from './read-through.ts'

/**
 * Asks for the page after a cursor.
 * @param stored the cursor of the last page that is stored; null: none is
 * @param ended when nobody wants it any more
 */
export type AskAfter = (after: string, stored: string | null, ended: AbortSignal) => Promise<AskedPage>

interface Awaited {
  readonly after: string
  /** Gives the page read through, or throws what went wrong. */
  readonly answer: Promise<() => AskedPage>
  /** Once it is here. */
  page?: ReadPage
}

/** Pages that may wait for those before them to be stored: one that is read through, and one that the peer makes meanwhile. */
const mostAhead = 2

/**
 * The next pages, asked for while the one before them is applied, one after the other: the peer makes them and they are read while the
 * database is at work. Nothing of them is judged before the page before is stored, and no cursor moves for them.
 */
export class PageAhead {
  #awaited: Awaited[] = []
  #stored: string | null = null
  #ask: AskAfter | undefined
  readonly #ended = new AbortController()

  /** The page after the cursor that is stored, once; nothing where another one was asked for. */
  async take(stored: string | null): Promise<AskedPage | undefined> {
    this.#stored = stored
    const next = this.#awaited.shift()
    if (next?.after === stored) return (await next.answer)()
    this.#awaited = []
    return undefined
  }

  /** Goes on from a page that was taken and is about to be stored. */
  goOn(taken: ReadPage, ask: AskAfter): void {
    this.#ask = ask
    this.#askAfter(this.#awaited.length === 0 ? taken : this.#awaited.at(-1)?.page)
  }

  /** Asks for nothing more, and resolves when nothing that was asked for is under way: who begins anew is not overtaken by it. */
  async close(): Promise<void> {
    this.#ended.abort()
    await Promise.all(this.#awaited.map(({ answer }) => answer))
    this.#awaited = []
  }

  #askAfter(page: ReadPage | undefined): void {
    const { signal } = this.#ended
    if (page?.more !== true || this.#ask === undefined || signal.aborted || this.#awaited.length >= mostAhead) return
    const asked = this.#ask(page.cursor, this.#stored, signal)
    const awaited: Awaited = { after: page.cursor, answer: settled(asked) }
    this.#awaited.push(awaited)
    asked.then(
      (answer) => {
        awaited.page = answer.page
        this.#askAfter(this.#awaited.at(-1)?.page)
      },
      // It is told to whoever takes the page.
      () => {},
    )
  }
}

/** What went wrong is told to whoever takes it; nobody may. */
async function settled(asked: Promise<AskedPage>): Promise<() => AskedPage> {
  try {
    const read = await readAsked(await asked)
    return () => read
  } catch (error) {
    return () => {
      throw error
    }
  }
}

/** A page read through. */
export const readAsked = async ({ page, bytes }: AskedPage): Promise<AskedPage> => ({
  page: await readThrough(page),
  bytes,
})
