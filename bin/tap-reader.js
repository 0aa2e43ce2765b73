/**
 * Reads the TAP 14 of a `tap run`, one test file after another: prints a line for each file, the failures of those
 * that failed, and counts assertions. A line that closes a group of tests is no assertion; a file that failed without
 * a failed assertion (it crashed, timed out, or holds no test) counts as one failure.
 */
export class TapReader {
  #print
  #passed = 0
  #failed = 0
  #file = newFile()
  /** The file just closed failed without a failed assertion: what follows on it tells how it ended. */
  #unexplained = false

  /** @param {(line: string) => void} print */
  constructor(print) {
    this.#print = print
  }

  /** @param {string} line */
  read(line) {
    const indent = line.length - line.trimStart().length
    const text = line.slice(indent)
    if (this.#skipsDiagnostics(indent, text)) return
    if (indent === 0 && text.startsWith('Bail out!')) this.#fail(text)
    else if (text.startsWith('# Subtest: ')) this.#file.open.push(indent)
    else if (isPoint(text)) this.#readPoint(indent, text)
    else if (indent > 0 && text !== '' && !isRoutine(text)) this.#file.failures.push(line)
  }

  /** @param {boolean} clean whether tap itself ended with success */
  totals(clean) {
    if (!clean && this.#failed === 0) this.#fail('tap ended with an error')
    return { passed: this.#passed, failed: this.#failed }
  }

  /** The YAML block under a test point may hold anything, lines of TAP too. It is kept for failed assertions only. */
  #skipsDiagnostics(indent, text) {
    const file = this.#file
    if (file.diagnostics === undefined) {
      if (text !== '---' || indent !== file.pointIndent + 2) return false
      file.diagnostics = indent
      return true
    }
    if (text === '...' && indent === file.diagnostics) file.diagnostics = undefined
    else if (file.keepsDiagnostics) file.failures.push(' '.repeat(indent) + text)
    else if (this.#unexplained && indent === 2 && /^(?:exitCode|signal|failure|timeout): /.test(text))
      this.#print(`  ${text}`)
    return true
  }

  #readPoint(indent, text) {
    const file = this.#file
    const closes = file.open.at(-1) === indent
    if (closes) file.open.pop()
    file.pointIndent = indent
    file.keepsDiagnostics = false
    if (indent === 0) return this.#closeFile(text)
    if (closes) {
      if (text.startsWith('not ok')) file.failures.push(' '.repeat(indent) + text)
    } else if (text.startsWith('ok')) {
      if (!isDirected(text)) file.passed += 1
    } else if (!isDirected(text)) {
      file.failed += 1
      file.keepsDiagnostics = true
      file.failures.push(' '.repeat(indent) + text)
    }
  }

  #closeFile(text) {
    const { passed, failures } = this.#file
    const empty = text.endsWith('# SKIP no tests found')
    const failed = Math.max(this.#file.failed, text.startsWith('not ok') || empty ? 1 : 0)
    this.#passed += passed
    this.#failed += failed
    const name = text.slice(text.indexOf(' - ') + 3)
    this.#print(failed === 0 ? `ok    ${passed} passed  ${name}` : `FAIL  ${passed} passed, ${failed} failed  ${name}`)
    if (failed > 0) for (const line of failures) this.#print(line)
    this.#unexplained = failed > 0 && this.#file.failed === 0
    this.#file = newFile()
  }

  #fail(why) {
    this.#failed += 1
    this.#print(`FAIL  ${why}`)
  }
}

/** What is known of the test file that is being read. `open` holds the indents of its open subtests. */
function newFile() {
  return {
    passed: 0,
    failed: 0,
    failures: [],
    open: [],
    pointIndent: 0,
    diagnostics: undefined,
    keepsDiagnostics: false,
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
