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

class XmlReader {
  readonly #parser = new SaxesParser({ xmlns: false, position: true })
  readonly #decoder = new TextDecoder('utf-8', { fatal: true })
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
    if (this.#lost !== undefined) return
    const text = this.#decoded(slice)
    this.#sinceEvent += text.length
    this.#parse(text)
    if (this.#sinceEvent > limits.recordBytes) this.#lose('record_too_large', 'One piece of the document is too large')
  }

  end(): void {
    if (this.#lost !== undefined) return
    this.#parse(this.#decoded())
    if (this.#lost === undefined) this.#parse(null)
  }

  /** @throws {Fault} what made the rest unreadable */
  check(): void {
    if (this.#lost !== undefined) throw this.#lost
  }

  #parse(text: string | null): void {
    if (text === null) this.#parser.close()
    else this.#parser.write(text)
  }

  #decoded(slice?: Buffer): string {
    try {
      return slice === undefined ? this.#decoder.decode() : this.#decoder.decode(slice, { stream: true })
    } catch {
      this.#lose('invalid_xml', 'The text is not UTF-8')
      return ''
    }
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
