import type { SearchFilter } from '../../actions/search-filter.ts'
import { limits } from '../../domain/limits.ts'
import { Fields } from '../../formats/fields.ts'
import { localIdOf } from './global-id.ts'

const itemsPerList = 100

/**
 * The filter of a search, within the sizes of the contract; types, enumerations and times were checked by the schema.
 * @throws {Fault} `invalid_request` with the member's pointer
 */
export function searchFilter(filter: SearchFilter): SearchFilter {
  const fields = new Fields({ ...filter }, '/filter', 'invalid_request')
  for (const [name, value] of Object.entries(filter)) {
    if (Array.isArray(value) && (value.length === 0 || value.length > itemsPerList)) {
      throw fields.fault(name, `A list in a filter has 1 to ${itemsPerList} items.`)
    }
  }
  fields.text('value', limits.valueCharacters)
  fields.text('q', 256)
  fields.text('network', 64)
  fields.text('domain', 255)
  fields.texts('type', itemsPerList, 64)
  fields.texts('class', itemsPerList, 64)
  fields.texts('country', itemsPerList, 2)
  fields.integer('minConfidence', 0, 100)
  const { originator, community, constituency, ...others } = filter
  return {
    ...others,
    // What is not asked for is absent, and seals the same cursors.
    ...(constituency === true ? { constituency } : {}),
    ...(originator === undefined ? {} : { originator: originator.map((id) => localIdOf('Organisation', id)) }),
    ...(community === undefined ? {} : { community: community.map((id) => localIdOf('Community', id)) }),
  }
}
