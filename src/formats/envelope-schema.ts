import { lawEnforcementUses } from '../domain/handling.ts'
import { limits } from '../domain/limits.ts'
import { paps } from '../domain/pap.ts'
import { sightingTypes } from '../domain/sighting.ts'
import { tlps } from '../domain/tlp.ts'

/** The form of an envelope as a JSON schema. Closed: a member that is not here is of a form that is not known here. */

const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
/** Organisations and communities are slugs, as at enrolment. */
const slug = { type: 'string', pattern: '^[a-z0-9][a-z0-9-]{0,62}$' }
const instant = {
  type: 'string',
  minLength: 24,
  maxLength: 24,
  pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{3}Z$',
}
const slugs = { type: 'array', items: slug, maxItems: limits.audienceItems }
const jurisdictions = { type: 'array', items: { type: 'string', pattern: '^[A-Z]{2}$' }, maxItems: 300 }
const version = { type: 'integer', minimum: 1, maximum: limits.envelopeVersion }

/** A closed object: all members are required but those under `optional`. */
const closed = (
  required: Readonly<Record<string, object>>,
  optional: Readonly<Record<string, object>> = {},
): object => ({
  type: 'object',
  properties: { ...required, ...optional },
  required: Object.keys(required),
  additionalProperties: false,
})

const handling = closed(
  {
    originator: slug,
    tlp: { enum: tlps },
    pap: { enum: paps },
    organisations: slugs,
    communities: slugs,
    people: { type: 'array', maxItems: 0 },
    lawEnforcement: { enum: lawEnforcementUses },
    personalData: { type: 'boolean' },
    maskable: { type: 'boolean' },
    attribution: { enum: ['named', 'anonymous'] },
  },
  { releasableTo: jurisdictions, notReleasableTo: jurisdictions, expiresAt: instant },
)

const observable = closed({
  type: { type: 'string', maxLength: 100 },
  value: { type: 'string', minLength: 1, maxLength: limits.valueCharacters },
})

/** Content by its kind; `narrowed` has a whole and a bare form. */
export const contentSchemas: Readonly<
  Record<'whole' | 'bare' | 'recalled' | 'sighted' | 'membership' | 'checkpoint', object>
> = {
  whole: closed(
    {
      kind: { enum: ['published', 'revised', 'narrowed'] },
      stix: { type: 'string', minLength: 2 },
      observables: { type: 'array', items: observable, minItems: 1, maxItems: limits.observablesPerIndicator },
      compound: { type: 'boolean' },
    },
    { class: { type: 'string', maxLength: 100 }, firstSeen: instant, lastSeen: instant },
  ),
  bare: closed({ kind: { const: 'narrowed' } }),
  recalled: closed({ kind: { const: 'recalled' }, reason: { type: 'string', maxLength: limits.textCharacters } }),
  sighted: closed({
    kind: { const: 'sighted' },
    of: closed({ originator: slug, id: { type: 'string', pattern: `^indicator--${uuid}$` } }),
    type: { enum: sightingTypes },
    count: { type: 'integer', minimum: 1, maximum: limits.sightingCount },
    firstSeen: instant,
    lastSeen: instant,
  }),
  membership: closed({ kind: { const: 'membership' }, community: slug, organisation: slug, leftAt: instant }),
  checkpoint: closed(
    {
      kind: { const: 'checkpoint' },
      size: { type: 'integer', minimum: 1, maximum: limits.envelopeVersion },
      root: { type: 'string', pattern: '^[A-Za-z0-9_-]{43}$' },
      expiresAt: instant,
    },
    {
      audit: closed({
        key: { type: 'string', maxLength: limits.auditNoteCharacters },
        note: { type: 'string', maxLength: limits.auditNoteCharacters },
      }),
    },
  ),
}

export const handlingSchema: object = handling

/** The envelope around handling and content, which are looked at by schemas of their own. */
export const envelopeSchema: object = closed({
  v: { const: 1 },
  id: { type: 'string', pattern: `^(indicator|sighting|membership|checkpoint)--${uuid}$` },
  version,
  previousVersion: { type: 'integer', minimum: 0, maximum: limits.envelopeVersion },
  originator: slug,
  node: { type: 'string', pattern: `^${uuid}$` },
  epoch: { type: 'string', pattern: `^${uuid}$` },
  issuedAt: instant,
  handling: { type: ['object', 'null'] },
  content: { type: 'object' },
})
