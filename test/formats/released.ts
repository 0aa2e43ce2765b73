import type { Draft } from '../../src/domain/draft.ts'
import type { Released } from '../../src/domain/released.ts'
import { rsitClassOf } from '../../src/domain/rsit.ts'

/** An indicator as a reader has it, made of what was read. */
export const released = (
  draft: Partial<Draft> & Pick<Draft, 'observables'>,
  members: Partial<Released> = {},
): Released =>
  ({
    id: 'indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f',
    version: 1,
    status: 'active',
    originator: { id: 'cert-br', name: 'CERT.br', jurisdiction: 'BR' },
    type: draft.observables[0].type,
    value: draft.observables[0].value,
    masked: false,
    observables: draft.observables,
    ...(draft.class === undefined ? {} : { class: rsitClassOf(draft.class), classType: draft.class }),
    ...(draft.name === undefined ? {} : { name: draft.name }),
    ...(draft.description === undefined ? {} : { description: draft.description }),
    ...(draft.confidence === undefined ? {} : { confidence: draft.confidence }),
    labels: draft.labels ?? [],
    created: '2026-06-01T00:00:00.000Z',
    modified: '2026-06-01T00:00:00.000Z',
    dateAdded: '2026-06-01T00:00:00.000Z',
    validFrom: '2026-06-01T00:00:00.000Z',
    ...(draft.firstSeen === undefined ? {} : { firstSeen: draft.firstSeen }),
    ...(draft.lastSeen === undefined ? {} : { lastSeen: draft.lastSeen }),
    handling: {
      tlp: draft.handling?.tlp ?? 'green',
      pap: draft.handling?.pap ?? 'green',
      audience: [],
      people: [],
      lawEnforcement: 'never',
      personalData: false,
    },
    stix: '{}',
    ...members,
  }) as unknown as Released
