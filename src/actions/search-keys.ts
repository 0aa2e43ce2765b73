import { Fault } from '../domain/errors.ts'
import { detectType } from '../domain/observables/detect.ts'
import { constituencyKeys } from '../domain/observables/keys.ts'
import { parseObservable } from '../domain/observables/parse.ts'
import { refang } from '../domain/observables/refang.ts'
import { reversedName } from '../domain/observables/reversed-name.ts'
import { observableType } from '../domain/observables/types.ts'
import { isRsitClass, isRsitType, rsit } from '../domain/rsit.ts'
import type { PageFilter } from '../store/filters.ts'
import type { SearchFilter } from './search-filter.ts'
import { valueKeyOf } from './value-keys.ts'

/** The parts of a filter that are values: brought to the form in which the store keeps them. */
export function searchKeys(
  filter: SearchFilter,
): Pick<PageFilter, 'types' | 'valueKey' | 'classes' | 'domainReversed' | 'network'> {
  return {
    // A type that there is not would find nothing, and a firewall block nothing, for want of a letter.
    ...(filter.type === undefined ? {} : { types: filter.type.map((type) => observableType(type).id) }),
    ...(filter.value === undefined ? {} : { valueKey: keyOfValue(filter.value, filter.type) }),
    ...(filter.class === undefined ? {} : { classes: filter.class.flatMap(typesOfClass) }),
    ...(filter.network === undefined ? {} : { network: cidrOf(filter.network) }),
    ...(filter.domain === undefined ? {} : { domainReversed: reversed(filter.domain) }),
  }
}

function keyOfValue(value: string, types: readonly string[] | undefined): Buffer {
  const only = types?.length === 1 ? types[0] : undefined
  const type = only ?? detectType(value)
  if (type === undefined) {
    throw new Fault('invalid_value', 'What type of value this is cannot be told; name it with `type`.')
  }
  return valueKeyOf(parseObservable(type, value))
}

function typesOfClass(name: string): string[] {
  if (isRsitType(name)) return [name]
  if (isRsitClass(name)) return [...rsit[name]]
  throw new Fault('invalid_request', `"${name.slice(0, 40)}" is not an RSIT class or type.`)
}

/** An address or prefix in CIDR form: nothing else reaches the database's own parser. */
function cidrOf(text: string): string {
  const { network } = constituencyKeys(parseObservable(anyNetwork(text), text))
  if (network === undefined) throw new Fault('invalid_request', 'That is no network in CIDR form.')
  return network
}

const anyNetwork = (text: string): string => {
  const family = text.includes(':') ? 'ipv6' : 'ipv4'
  return `${family}-${text.includes('/') ? 'prefix' : 'address'}`
}

const reversed = (domain: string): string => reversedName(parseObservable('domain-name', refang(domain)).value)
