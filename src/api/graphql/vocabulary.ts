import type { GraphQLEnumType } from 'graphql'
import type { Change } from '../../actions/follow.ts'
import type { MatchKind } from '../../actions/lookup.ts'
import { preservationStates } from '../../actions/preservations.ts'
import { releaseOutcomes } from '../../actions/quarantine.ts'
import type { SearchFilter } from '../../actions/search-filter.ts'
import type { Place } from '../../actions/subscription-place.ts'
import type { Subscription } from '../../actions/subscription-view.ts'
import { roles, scopes } from '../../domain/account.ts'
import { purposes } from '../../domain/agreement.ts'
import { assistanceKinds, assistanceStates, assistanceTlps } from '../../domain/assistance.ts'
import { attributionStates } from '../../domain/attribution-request.ts'
import type { Effect } from '../../domain/decision.ts'
import { exportLanguages, exportStates } from '../../domain/export.ts'
import { attributions, lawEnforcementUses } from '../../domain/handling.ts'
import type { IndicatorVersion } from '../../domain/indicator.ts'
import { decidingSides, legalStates } from '../../domain/legal-request.ts'
import { urgencies } from '../../domain/legal-words.ts'
import { constituencyKinds, organisationKinds } from '../../domain/organisation.ts'
import { paps } from '../../domain/pap.ts'
import { peerDirections, peerStates, recallsOf } from '../../domain/peer.ts'
import { relations } from '../../domain/related.ts'
import type { ReplySide } from '../../domain/reply.ts'
import { sightingTypes } from '../../domain/sighting.ts'
import { stixMarkings } from '../../domain/stix-markings.ts'
import { tlps } from '../../domain/tlp.ts'
import { pauseReasons } from '../../domain/webhook.ts'
import { wideningSides, wideningStates } from '../../domain/widening.ts'

/** The closed sets of the domain that are enumerations in the contract. */
export const vocabulary: Readonly<Record<string, readonly string[]>> = {
  TLP: tlps,
  PAP: paps,
  LawEnforcementUse: lawEnforcementUses,
  Attribution: attributions,
  Purpose: purposes,
  StixMarkings: stixMarkings,
  Role: roles,
  Scope: scopes,
  OrganisationKind: organisationKinds,
  ConstituencyKind: constituencyKinds,
  IndicatorStatus: ['active', 'expired', 'recalled'] satisfies NonNullable<SearchFilter['status']>[number][],
  Change: ['published', 'revised', 'narrowed', 'recalled'] satisfies IndicatorVersion['change'][],
  FeedChange: ['published', 'revised', 'narrowed', 'withdrawn', 'recalled'] satisfies Change['change'][],
  WebhookState: ['active', 'paused'] satisfies Subscription['state'][],
  PauseReason: pauseReasons,
  FeedStart: ['beginning', 'now'] satisfies NonNullable<Place['from']>[],
  Effect: ['permit', 'redact', 'deny'] satisfies Effect[],
  MatchKind: ['exact', 'containing'] satisfies MatchKind[],
  SightingType: sightingTypes,
  Relation: relations,
  ExportState: exportStates,
  ExportLanguage: exportLanguages,
  AssistanceKind: assistanceKinds,
  AssistanceState: assistanceStates,
  AssistanceTLP: assistanceTlps,
  AttributionState: attributionStates,
  ReplySide: ['replier', 'source'] satisfies ReplySide[],
  LegalState: legalStates,
  PreservationState: preservationStates,
  LegalSide: decidingSides,
  Urgency: urgencies,
  WideningSide: wideningSides,
  WideningState: wideningStates,
  RecallsOf: recallsOf,
  PeerDirection: peerDirections,
  PeerStanding: peerStates,
  ReleaseOutcome: releaseOutcomes,
}

/** GraphQL's spelling of a word: `amber+strict` is AMBER_STRICT. */
export const enumName = (word: string): string => word.toUpperCase().replaceAll(/[+-]/g, '_')

/**
 * Makes an enumeration of the contract stand for the words of the domain.
 * @throws when the two are not the same words: the node does not start with a contract it would break
 */
export function speakDomain(type: GraphQLEnumType): void {
  const words = vocabulary[type.name]
  if (words === undefined)
    throw new Error(`schema.graphql has an enumeration ${type.name} that the domain does not know`)
  const values = type.getValues()
  const missing = words.filter((word) => values.every(({ name }) => name !== enumName(word)))
  if (missing.length > 0) throw new Error(`${type.name} in schema.graphql lacks ${missing.map(enumName).join(', ')}`)
  for (const value of values) {
    const word = words.find((each) => enumName(each) === value.name)
    if (word === undefined) throw new Error(`${type.name}.${value.name} in schema.graphql is not a word of the domain`)
    value.value = word
  }
}
