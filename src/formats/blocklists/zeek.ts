import type { Blockable } from '../../domain/released.ts'
import { type BlocklistFormat, blockableTypes } from './format.ts'
import { encodeLines } from './lines.ts'

/** A file of Zeek's intelligence framework: a header, and fields with tabs between; `-` is an empty one. */
export const zeek: BlocklistFormat = {
  extension: 'intel',
  mediaType: 'text/tab-separated-values; charset=utf-8',
  consumer: 'Zeek intelligence framework',
  takes: blockableTypes,
  collapses: false,
  merges: false,
  encode: (batches, facts) =>
    encodeLines(batches, facts, {
      head: '#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\n',
      line,
    }),
}

const line = (value: Blockable): string => {
  const [indicator, type] = intelOf(value)
  return `${indicator}\tIntel::${type}\tPuente\t${value.class ?? '-'}\n`
}

/** Zeek's name of a type, and the value as Zeek sees it on the wire: URLs without their scheme. */
function intelOf({ type, value }: Blockable): readonly [string, string] {
  if (type === 'domain-name' || type === 'hostname') return [value, 'DOMAIN']
  if (type === 'url') return [value.slice(value.indexOf('://') + 3), 'URL']
  if (type.endsWith('-prefix')) return [value, 'SUBNET']
  return [value, type.endsWith('-address') ? 'ADDR' : 'FILE_HASH']
}
