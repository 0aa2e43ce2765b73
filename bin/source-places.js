import { readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import path from 'node:path'

const maps = new Map()

/**
 * The line with places in built files replaced by those in their sources: `dist/src/app.js:12:3` by `src/app.ts:20:5`. Node itself
 * can do so, but then reads the map of every file that it loads, which takes half a second of each process.
 * @param {string} line
 */
export const inSources = (line) =>
  line.replace(/\bdist\/[\w./-]+\.js:\d+:\d+/g, (place) => {
    const [file = '', row, column] = place.split(':')
    const entry = mapOf(file)?.findEntry(Number(row) - 1, Number(column) - 1)
    if (entry?.originalSource === undefined) return place
    const source = path.join(path.dirname(file), entry.originalSource)
    return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`
  })

/** The map of a built file, if it has one. */
function mapOf(file) {
  if (!maps.has(file)) {
    try {
      maps.set(file, new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8'))))
    } catch {
      maps.set(file, undefined)
    }
  }
  return maps.get(file)
}
