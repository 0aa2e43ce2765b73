import { TapReader } from './tap-reader.js'

/** Reads what a process says that runs test files one after the other, as `run-files.js` does, or one: each file's lines to its reader. */
export class GroupReader {
  #waiting
  #print
  #reader
  #started = performance.now()
  #passed = 0
  #failed = 0

  /**
   * @param {readonly string[]} files in their order
   * @param {(line: string) => void} print
   */
  constructor(files, print) {
    this.#waiting = [...files]
    this.#print = print
    if (files.length === 1) this.#begin()
  }

  /** @param {string} line */
  read(line) {
    if (this.#waiting.length > 0 && line === `# file: ${this.#waiting[0]}`) {
      this.#end(0)
      this.#begin()
    } else this.#reader?.read(line)
  }

  /**
   * What the process did not come to has failed, and so has the last file where the process fails without a failure in it.
   * @param {number | string} ended exit code or signal of the process
   */
  close(ended) {
    this.#end(ended === 1 && this.#failed > 0 ? 0 : ended)
    while (this.#waiting.length > 0) {
      this.#begin()
      this.#end(`${ended}, before this was begun`)
    }
    return { passed: this.#passed, failed: this.#failed }
  }

  #begin() {
    this.#started = performance.now()
    this.#reader = new TapReader(this.#waiting.shift(), this.#print)
  }

  #end(ended) {
    if (this.#reader === undefined) return
    const { passed, failed } = this.#reader.close(ended, performance.now() - this.#started)
    this.#passed += passed
    this.#failed += failed
  }
}
