import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Readable, Writable } from 'node:stream'
import type { Test } from 'tap'

/** Where a Chromium is installed; undefined: nowhere on the path. */
export const chromium = ['chromium', 'chromium-browser', 'google-chrome']
  .flatMap((program) => (process.env.PATH ?? '').split(':').map((place) => path.join(place, program)))
  .find((place) => existsSync(place))

/** A page in a real browser. */
export interface Tab {
  /** The value of an expression; promises are waited for. */
  readonly evaluate: (expression: string) => Promise<unknown>
  /** Chooses a file from the disk, as a person does in the dialog. */
  readonly choose: (selector: string, file: string) => Promise<void>
  /** What the page was refused by its policy, or threw. */
  readonly complaints: readonly string[]
}

const flags = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--remote-debugging-pipe'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
]

/** Opens a URL, by the DevTools protocol over a pipe; closed when the test ends. */
export async function openTab(t: Test, url: string): Promise<Tab> {
  const profile = mkdtempSync(path.join(tmpdir(), 'puente-chromium-'))
  const browser = spawn(chromium ?? '', [...flags, `--user-data-dir=${profile}`], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise((resolve) => browser.once('close', resolve))
  t.teardown(async () => {
    await Promise.race([ended, send('Browser.close', {}).catch(() => browser.kill('SIGKILL'))])
    await ended
    rmSync(profile, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 })
  })
  const complaints: string[] = []
  const send = speak(
    browser.stdio[3] as Writable,
    browser.stdio[4] as Readable,
    (method, { entry, exceptionDetails }) => {
      if (method === 'Log.entryAdded' && entry?.level === 'error') complaints.push(entry.text)
      if (method === 'Runtime.exceptionThrown') complaints.push(JSON.stringify(exceptionDetails))
    },
  )
  const { targetId } = await send('Target.createTarget', { url: 'about:blank' })
  const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true })
  const ask = (method: string, params: object = {}) => send(method, params, sessionId)
  for (const domain of ['Page', 'Runtime', 'Log', 'DOM']) await ask(`${domain}.enable`)
  await ask('Page.navigate', { url })
  const evaluate = async (expression: string): Promise<unknown> => {
    const { result, exceptionDetails } = await ask('Runtime.evaluate', {
      ...{ expression, awaitPromise: true, returnByValue: true },
    })
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails))
    return result.value
  }
  for (let tries = 0; (await evaluate('document.readyState')) !== 'complete' && tries < 600; tries++)
    await evaluate('new Promise((resolve) => setTimeout(resolve, 50))')
  return {
    evaluate,
    complaints,
    choose: async (selector, file) => {
      const { root } = await ask('DOM.getDocument')
      const { nodeId } = await ask('DOM.querySelector', { nodeId: root.nodeId, selector })
      await ask('DOM.setFileInputFiles', { files: [file], nodeId })
    },
  }
}

// biome-ignore lint/suspicious/noExplicitAny: answers of the browser are read as they come
type Said = any

/** Messages of the protocol are JSON, each ended by a NUL. */
function speak(to: Writable, from: Readable, tell: (method: string, params: Said) => void) {
  const waiting = new Map<
    number,
    { readonly resolve: (result: Said) => void; readonly reject: (error: Error) => void }
  >()
  let [last, rest] = [0, '']
  from.setEncoding('utf8').on('data', (piece: string) => {
    const messages = (rest + piece).split('\0')
    rest = messages.pop() ?? ''
    for (const message of messages) {
      const { id, method, params, result, error } = JSON.parse(message)
      if (id === undefined) tell(method, params)
      else if (error === undefined) waiting.get(id)?.resolve(result)
      else waiting.get(id)?.reject(new Error(error.message))
    }
  })
  return (method: string, params: object, sessionId?: string): Promise<Said> =>
    new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject })
      to.write(`${JSON.stringify({ id: last, method, params, ...(sessionId === undefined ? {} : { sessionId }) })}\0`)
    })
}
