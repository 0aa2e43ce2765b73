#!/usr/bin/env node
/**
 * Runs built test files one after the other in this process: what they all load, and what V8 learns of it, is most of the time of a short
 * one. A line `# file: NAME` goes before the TAP of each. TAP_TIMEOUT, in seconds, begins anew with each.
 */
import { once } from 'node:events'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

// tap names folders after what was started: each file is to find itself alone there.
const files = process.argv.splice(2)
process.argv[1] = path.resolve(files[0] ?? '')
const { default: t } = await import('tap')
const timeoutMs = Number(process.env.TAP_TIMEOUT) * 1000
// Between two files there may be nothing else that is waited for.
const held = setInterval(() => {}, 60_000)
// What is to be done when all is over is done when the file is.
const closing = []
t.teardown = (close) => void closing.unshift(close)

for (const file of files) {
  process.argv[1] = path.resolve(file)
  t.setTimeout(timeoutMs)
  t.comment(`file: ${file}`)
  try {
    await import(pathToFileURL(path.resolve(file)).href)
    while (!t.idle) await once(t, 'idle')
    for (const close of closing.splice(0)) await close()
  } catch (error) {
    t.fail(`it cannot be run: ${error.stack}`)
  }
}
clearInterval(held)
