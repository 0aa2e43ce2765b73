import { type HandlingInput, strictestInput } from '../domain/handling.ts'
import { limits } from '../domain/limits.ts'
import { parsePap } from '../domain/pap.ts'
import type { RsitType } from '../domain/rsit.ts'
import { parseTlp } from '../domain/tlp.ts'
import type { Fields } from './fields.ts'
import { isJsonObject } from './json-text.ts'
import { bareTag, handlingOfOurs, isOurs } from './misp-own-tags.ts'
import { rsitOfTag } from './rsit-tags.ts'

/** What tags and distribution level of an event, object or attribute say. */
export interface MispContext {
  readonly handling: HandlingInput
  readonly class?: RsitType
  /** Tags that say neither. */
  readonly labels: readonly string[]
}

/** An audience item that stands for the publisher's own organisation, which a codec cannot know. */
export const ownOrganisation = '@own'

/**
 * Reads `Tag` and `distribution`. Where the two disagree the stricter wins.
 * @throws {Fault} `marking_unknown`, `invalid_misp`
 */
export function mispContext(fields: Fields): MispContext {
  let handling = handlingOfDistribution(fields)
  let type: RsitType | undefined
  const labels: string[] = []
  const ours: string[] = []
  for (const tag of tagsOf(fields)) {
    if (isOurs(tag)) {
      ours.push(tag)
      continue
    }
    const label = fields.parsed('Tag', () => handlingOfTag(fields, tag))
    if (label !== undefined) handling = strictestInput(handling, label)
    else {
      type ??= rsitOfTag(tag)
      if (labels.length < limits.labels && tag.length <= limits.labelCharacters) labels.push(tag)
    }
  }
  if (ours.length > 0)
    handling = strictestInput(
      handling,
      fields.parsed('Tag', () => handlingOfOurs(ours)),
    )
  return { handling, labels, ...(type === undefined ? {} : { class: type }) }
}

/** What both say: the stricter handling, the inner one's class, the labels of both. */
export const within = (outer: MispContext, inner: MispContext): MispContext => {
  const type = inner.class ?? outer.class
  return {
    handling: strictestInput(outer.handling, inner.handling),
    labels: [...new Set([...inner.labels, ...outer.labels])].slice(0, limits.labels),
    ...(type === undefined ? {} : { class: type }),
  }
}

/** Namespaces of tags that limit who may see something in a way this node cannot keep. */
const unkeptNamespaces = ['iep', 'iep2', 'iep2-policy', 'iep2-reference']

function handlingOfTag(fields: Fields, tag: string): HandlingInput | undefined {
  const bare = bareTag(tag)
  if (bare.startsWith('tlp:')) return { tlp: parseTlp(bare) }
  if (bare.startsWith('pap:')) return { pap: parsePap(bare) }
  if (unkeptNamespaces.includes(bare.slice(0, Math.max(bare.indexOf(':'), 0)))) {
    throw fields.fault('Tag', `The tag ${tag.slice(0, 60)} limits access in a way not known here`, 'marking_unknown')
  }
  return undefined
}

/** Names of the tags that say nothing about handling. */
export const plainTags = (fields: Fields): readonly string[] =>
  [...tagsOf(fields)]
    .filter(
      (tag) =>
        !isOurs(tag) &&
        tag.length <= limits.labelCharacters &&
        fields.parsed('Tag', () => handlingOfTag(fields, tag)) === undefined,
    )
    .slice(0, limits.mispTags)

function* tagsOf(fields: Fields): Generator<string> {
  const tags = fields.object.Tag
  if (tags === undefined) return
  if (!Array.isArray(tags)) throw fields.fault('Tag', '"Tag" must be a list')
  for (const tag of tags) {
    if (!isJsonObject(tag) || typeof tag.name !== 'string') throw fields.fault('Tag', 'A tag must have a "name"')
    yield tag.name
  }
}

/**
 * MISP's distribution levels: 0 and 1 stay with the owner; 2 and 3 say nothing about audience that TLP would; 4 is a
 * sharing group, whose members are not in the event, so an audience must be given; 5 inherits.
 */
function handlingOfDistribution(fields: Fields): HandlingInput {
  const level = fields.object.distribution ?? '5'
  switch (typeof level === 'number' ? String(level) : level) {
    case '0':
    case '1':
      return { tlp: 'amber+strict', audience: [ownOrganisation] }
    case '4':
      return { tlp: 'amber' }
    case '2':
    case '3':
    case '5':
      return {}
    default:
      throw fields.fault('distribution', '"distribution" must be 0 to 5')
  }
}
