import { type Batches, type BlocklistFacts, type BlocklistFormat, networkTypes } from './format.ts'
import { encodeLines } from './lines.ts'

/** Elements of one `add element`: nft reads a statement whole. */
const elementsTogether = 4_096

/**
 * Two interval sets, emptied and filled in one transaction: nft applies a file whole or not at all. Chains that use the sets are left
 * alone. Interval sets refuse overlaps, so networks inside others are left out.
 */
export const nftables: BlocklistFormat = {
  extension: 'nft',
  mediaType: 'text/plain; charset=utf-8',
  consumer: 'nftables',
  takes: networkTypes,
  collapses: false,
  merges: true,
  encode,
}

const head = [4, 6]
  .flatMap((version) => [
    `add set inet puente blocked${version} { type ipv${version}_addr; flags interval; }`,
    `flush set inet puente blocked${version}`,
  ])
  .join('\n')

function encode(batches: Batches, facts: BlocklistFacts): AsyncIterable<string> {
  const statement = new Statement()
  return encodeLines(batches, facts, {
    comment: '#',
    head: `add table inet puente\n${head}\n`,
    line: ({ value }) => statement.add(value),
    foot: () => statement.end(),
    merges: true,
  })
}

/** The lines of `add element` statements, opened and closed around their elements. */
class Statement {
  #version = 0
  #elements = 0

  add(network: string): string {
    const version = network.includes(':') ? 6 : 4
    const change = version !== this.#version || this.#elements === elementsTogether
    const before = change ? `${this.end()}add element inet puente blocked${version} {\n` : ''
    this.#version = version
    this.#elements++
    return `${before}${network},\n`
  }

  end(): string {
    const end = this.#elements === 0 ? '' : '}\n'
    this.#elements = 0
    this.#version = 0
    return end
  }
}
