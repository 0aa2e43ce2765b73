import { directoryMutations } from './administration.ts'
import { assistanceMutations, assistanceQueries } from './assistance.ts'
import { blocklistMutations, blocklistQueries, blocklistTypes } from './blocking.ts'
import { directoryQueries, directoryTypes } from './directory.ts'
import { feedSubscription, indicatorQueries, indicatorTypes } from './indicators.ts'
import { legalMutations, legalQueries } from './legal.ts'
import { nodeQueries } from './node.ts'
import { objectMutations, objectQueries, objectTypes } from './objects.ts'
import { observationMutations, observationTypes } from './observing.ts'
import { peerMutations, peerQueries } from './peers.ts'
import { provenanceQueries, provenanceTypes } from './provenance.ts'
import { indicatorMutations } from './publishing.ts'
import { qualityMutations, qualityQueries, qualityTypes } from './quality.ts'
import { ASN, DateTime } from './scalars.ts'
import { webhookMutations, webhookQueries } from './webhooks.ts'
import { wideningMutations, wideningQueries } from './widening.ts'

/**
 * What answers each field of `schema.graphql`; fields of other types that are not here are members of what the actions return.
 * Every one goes through an action: nothing is loaded here.
 */
export const resolvers = {
  Query: {
    ...indicatorQueries,
    ...directoryQueries,
    ...nodeQueries,
    ...qualityQueries,
    ...blocklistQueries,
    ...webhookQueries,
    ...legalQueries,
    ...assistanceQueries,
    ...provenanceQueries,
    ...peerQueries,
    ...wideningQueries,
    ...objectQueries,
  },
  Mutation: {
    ...indicatorMutations,
    ...directoryMutations,
    ...observationMutations,
    ...qualityMutations,
    ...blocklistMutations,
    ...webhookMutations,
    ...legalMutations,
    ...assistanceMutations,
    ...peerMutations,
    ...wideningMutations,
    ...objectMutations,
  },
  Subscription: feedSubscription,
  ...indicatorTypes,
  ...directoryTypes,
  ...observationTypes,
  ...qualityTypes,
  ...indicatorTypes,
  ...directoryTypes,
  ...observationTypes,
  ...blocklistTypes,
  ...provenanceTypes,
  ...objectTypes,
  DateTime,
  ASN,
}
