import type { ReleasedHandling } from '../domain/released.ts'
import { derivedUuid, numberOf } from './misp-ids.ts'

/**
 * Handling as MISP can say it: tags and a distribution level. What MISP has no word for stands in tags of the namespace `puente`, which
 * this node reads again.
 */
export function handlingTags(handling: ReleasedHandling): string[] {
  const { tlp, pap, audience, people, releasableTo, notReleasableTo, lawEnforcement, personalData } = handling
  const { attribution, expiresAt } = handling
  const list = (predicate: string, values: readonly string[] = []) => values.map((value) => tag(predicate, value))
  return [
    `tlp:${tlp}`,
    `PAP:${pap.toUpperCase()}`,
    ...list('audience', audience),
    ...list('people', people),
    // A list of nobody is a limit, too.
    ...list('releasable-to', releasableTo?.length === 0 ? [''] : releasableTo),
    ...list('not-releasable-to', notReleasableTo),
    ...(lawEnforcement === 'on-request' ? [] : [tag('law-enforcement', lawEnforcement)]),
    ...(personalData ? [tag('personal-data', 'true')] : []),
    ...(attribution === undefined ? [] : [tag('attribution', attribution)]),
    ...(expiresAt === undefined ? [] : [tag('expires-at', expiresAt)]),
  ]
}

const tag = (predicate: string, value: string): string => `puente:${predicate}="${value}"`

/** Who else may have it, in MISP's levels: connected communities for GREEN, all for CLEAR, a sharing group from AMBER up. */
export function distribution(handling: ReleasedHandling) {
  if (handling.tlp === 'clear') return { distribution: '3', sharing_group_id: '0' }
  if (handling.tlp === 'green') return { distribution: '2', sharing_group_id: '0' }
  const group = sharingGroup(handling)
  return { distribution: '4', sharing_group_id: group.id, SharingGroup: group }
}

/** A group whose members are not told beyond what the reader knows of them, and which nobody may extend. */
function sharingGroup({ tlp, audience, people }: ReleasedHandling) {
  const to = [...audience, ...people].sort().join(', ')
  const uuid = derivedUuid(`sharing group|${tlp}|${to}`)
  const name = `TLP:${tlp.toUpperCase()}${to === '' ? '' : ` ${to}`}`
  return { id: numberOf(uuid), uuid, name, releasability: name, description: '', active: true, roaming: false }
}
