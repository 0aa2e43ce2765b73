import { Fault } from '../errors.ts'
import { contentTypes } from './content.ts'
import { fileTypes } from './files.ts'
import { financeTypes } from './finance.ts'
import { fingerprintTypes } from './fingerprints.ts'
import { hashTypes } from './hashes.ts'
import { hostTypes } from './hosts.ts'
import { identityTypes } from './identity.ts'
import { mailTypes } from './mail.ts'
import { nameTypes } from './names.ts'
import { networkTypes } from './network.ts'
import { softwareTypes } from './software.ts'
import { invalid, type ObservableType } from './type.ts'

/** Every type a value can be of, by its id, in the order in which documentation lists them. */
export const observableTypes: ReadonlyMap<string, ObservableType> = new Map(
  [
    ...networkTypes,
    ...nameTypes,
    ...fingerprintTypes,
    ...hashTypes,
    ...fileTypes,
    ...hostTypes,
    ...softwareTypes,
    ...mailTypes,
    ...identityTypes,
    ...financeTypes,
    ...contentTypes,
  ].map((type) => [type.id, type]),
)

/** @throws {Fault} `unknown_type` */
export function observableType(id: string): ObservableType {
  const type = observableTypes.get(id)
  if (type === undefined) throw new Fault('unknown_type', invalid(id, 'is not a type of observable').message)
  return type
}
