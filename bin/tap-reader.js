/**
 * Reads the TAP 14 of one test file, counts its assertions, and prints at its end a line, with the failures if it failed. A line that
 * closes a group of tests is no assertion; a file that failed without a failed assertion (it crashed, timed out, or holds no test)
 * counts as one failure.
 */
export class TapReader {
  #name
  #print
  #passed = 0
  #failed = 0
  /** Skipped, or known to fail. */
  #left = 0
  #failures = []
  /** The indents of open groups. */
  #open = []
  #pointIndent = 0
  #diagnostics
  #keepsDiagnostics = false

  /**
   * @param {string} name of the file
   * @param {(line: string) => void} print
   */
  constructor(name, print) {
    this.#name = name
    this.#print = print
  }

  /** @param {string} line */
  read(line) {
    const indent = line.length - line.trimStart().length
    const text = line.slice(indent)
    if (this.#skipsDiagnostics(indent, text)) return
    if (text.startsWith('# Subtest: ')) this.#open.push(indent)
    else if (isPoint(text)) this.#readPoint(indent, text)
    else if (text !== '' && !isRoutine(text)) this.#failures.push(line)
  }

  /**
   * @param {number | string | null} ended exit code or signal of the process
   * @param {number} ms how long it took
   */
  close(ended, ms) {
    const passed = this.#passed
    const clean = ended === 0 && passed + this.#failed + this.#left > 0
    const failed = Math.max(this.#failed, clean ? 0 : 1)
    const time = `# time=${Math.round(ms)}ms`
    if (failed === 0) this.#print(`ok    ${passed} passed  ${this.#name} ${time}`)
    else {
      this.#print(`FAIL  ${passed} passed, ${failed} failed  ${this.#name} ${time}`)
      for (const line of this.#failures) this.#print(`    ${line}`)
      if (this.#failed === 0) this.#print(ended === 0 ? '    it holds no test' : `    it ended with ${ended}`)
    }
    return { passed, failed }
  }

  /** The YAML block under a test point may hold anything, lines of TAP too. It is kept for failed assertions only. */
  #skipsDiagnostics(indent, text) {
    if (this.#diagnostics === undefined) {
      if (text !== '---' || indent !== this.#pointIndent + 2) return false
      this.#diagnostics = indent
      return true
    }
    if (text === '...' && indent === this.#diagnostics) this.#diagnostics = undefined
    else if (this.#keepsDiagnostics) this.#failures.push(' '.repeat(indent) + text)
    return true
  }

  #readPoint(indent, text) {
    const closes = this.#open.at(-1) === indent
    if (closes) this.#open.pop()
    if (isDirected(text)) this.#left += 1
    this.#pointIndent = indent
    this.#keepsDiagnostics = false
    if (closes) {
      if (text.startsWith('not ok')) this.#failures.push(' '.repeat(indent) + text)
    } else if (text.startsWith('ok')) {
      if (!isDirected(text)) this.#passed += 1
    } else if (!isDirected(text)) {
      this.#failed += 1
      this.#keepsDiagnostics = true
      this.#failures.push(' '.repeat(indent) + text)
    }
  }
}

function isPoint(text) {
  return /^(?:not )?ok \d+(?: |$)/.test(text)
}

/** Skipped, or known to fail: neither passed nor failed. */
function isDirected(text) {
  return / # (?:SKIP|TODO|time=[\d.]+m?s (?:SKIP|TODO))/i.test(text)
}

/** Plans and tap's own comments. */
function isRoutine(text) {
  return /^(?:\d+\.\.\d+|# (?:time=|test count|\{)|TAP version)/.test(text) || text === '# Subtest'
}
