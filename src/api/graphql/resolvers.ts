import { directoryMutations } from './administration.ts'
import { directoryQueries, directoryTypes } from './directory.ts'
import { feedSubscription, indicatorQueries, indicatorTypes } from './indicators.ts'
import { nodeQueries } from './node.ts'
import { observationMutations, observationTypes } from './observing.ts'
import { indicatorMutations } from './publishing.ts'
import { ASN, DateTime } from './scalars.ts'

/**
 * What answers each field of `schema.graphql`; fields of other types that are not here are members of what the actions return.
 * Every one goes through an action: nothing is loaded here.
 */
export const resolvers = {
  Query: { ...indicatorQueries, ...directoryQueries, ...nodeQueries },
  Mutation: { ...indicatorMutations, ...directoryMutations, ...observationMutations },
  Subscription: feedSubscription,
  ...indicatorTypes,
  ...directoryTypes,
  ...observationTypes,
  DateTime,
  ASN,
}
