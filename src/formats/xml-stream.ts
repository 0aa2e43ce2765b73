import { SaxesParser } from 'saxes'
import { Fault } from '../domain/errors.ts'
import { limits } from '../domain/limits.ts'
import type { ByteSource } from '../domain/source.ts'
import { bytesOf } from './records.ts'

/** What happens in a document, in its order. Names are without their prefix. */
export interface XmlHandler {
  open(name: string, attributes: Readonly<Record<string, string>>, line: number): void
  close(name: string): void
  text(text: string): void
}

/**
 * Reads XML 1.0 as it arrives; after each slice its reader may hand on what it has. No entity but the five of XML and
 * characters by number is known, nothing is ever fetched, and a document type, where others are declared, is refused: so nothing
 * can grow. What is open at once has the size of a record at most.
 * @throws {Fault} `invalid_xml`, `record_too_large`, `too_deep`: the rest of the document cannot be read
 */
export async function* xmlSlices(source: ByteSource, handler: XmlHandler): AsyncGenerator<void> {
  const reader = new XmlReader(handler)
  for await (const slice of bytesOf(source)) {
    reader.write(slice)
    yield
    reader.check()
  }
  reader.end()
  yield
  reader.check()
}

/** Most of a line that the parser gets at once. */
const pieceCharacters = 16_384

class XmlReader {
  readonly #parser = new SaxesParser({ xmlns: false, position: true })
  readonly #decoder = new TextDecoder('utf-8')
  #line = ''
  #depth = 0
  #sinceEvent = 0
  #lost: Fault | undefined

  constructor(handler: XmlHandler) {
    const parser = this.#parser
    const when =
      <T extends unknown[]>(run: (...values: T) => void) =>
      (...values: T) => {
        this.#sinceEvent = 0
        if (this.#lost === undefined) run(...values)
      }
    parser.on('error', (error) => this.#lose('invalid_xml', `The text is not XML: ${reasonOf(error)}`))
    parser.on('doctype', () => this.#lose('invalid_xml', 'A document type is not read: it could declare entities'))
    parser.on('xmldecl', ({ encoding }) => {
      const name = encoding?.toLowerCase() ?? 'utf-8'
      if (name !== 'utf-8' && name !== 'us-ascii') this.#lose('invalid_xml', 'XML is read as UTF-8')
    })
    parser.on(
      'comment',
      when(() => {}),
    )
    parser.on(
      'processinginstruction',
      when(() => {}),
    )
    parser.on(
      'opentag',
      when(({ name, attributes }) => {
        this.#depth++
        if (this.#depth > limits.jsonDepth) this.#lose('too_deep', `XML may nest ${limits.jsonDepth} deep, not deeper`)
        else handler.open(local(name), attributes as Record<string, string>, parser.line)
      }),
    )
    parser.on(
      'closetag',
      when(({ name }) => {
        this.#depth--
        handler.close(local(name))
      }),
    )
    parser.on(
      'text',
      when((text) => handler.text(text)),
    )
    parser.on(
      'cdata',
      when((text) => handler.text(text)),
    )
  }

  write(slice: Buffer): void {
    this.#read(this.#decoder.decode(slice, { stream: true }))
  }

  end(): void {
    this.#read(this.#decoder.decode())
    this.#parse(this.#line)
    if (this.#lost === undefined) this.#parser.close()
  }

  /** @throws {Fault} what made the rest unreadable */
  check(): void {
    if (this.#lost !== undefined) throw this.#lost
  }

  /**
   * The parser gets lines, or pieces of long ones, wherever the document was cut: it looks at some things only when a piece ends.
   * What stands before a byte that is not UTF-8 is read.
   */
  #read(text: string): void {
    const bad = text.indexOf('\ufffd')
    const good = bad === -1 ? text : text.slice(0, bad)
    for (let from = 0; from < good.length && this.#lost === undefined; ) {
      const newline = good.indexOf('\n', from)
      const end = Math.min(newline === -1 ? good.length : newline + 1, from + pieceCharacters - this.#line.length)
      this.#line += good.slice(from, end)
      if (end === newline + 1 || this.#line.length === pieceCharacters) {
        const line = this.#line
        this.#line = ''
        this.#parse(line)
      }
      from = end
    }
    if (bad === -1) return
    this.#parse(this.#line)
    this.#lose('invalid_xml', 'The text is not UTF-8')
  }

  #parse(text: string): void {
    if (this.#lost !== undefined) return
    this.#sinceEvent += text.length
    this.#parser.write(text)
    if (this.#sinceEvent > limits.recordBytes) this.#lose('record_too_large', 'One piece of the document is too large')
  }

  #lose(code: 'invalid_xml' | 'record_too_large' | 'too_deep', message: string): void {
    this.#lost ??= new Fault(code, message, { position: { line: this.#parser.line } })
  }
}

/** `ioc:Indicator` is `Indicator`: documents of others bind prefixes as they like. */
const local = (name: string): string => name.slice(name.indexOf(':') + 1)

/** The parser's own words without what they quote of the input. */
const reasonOf = (error: Error): string =>
  error.message
    .replace(/^\d+:\d+: /, '')
    .replace(/[^ -~]|".*/gs, '')
    .slice(0, 80)
