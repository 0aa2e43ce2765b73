import { Fault } from '../../domain/errors.ts'

/**
 * What an answer may be written as (GraphQL over HTTP, "Media Types"). Where a client does not care it is the first: the older one,
 * which every client reads.
 */
const responseTypes = ['application/json', 'application/graphql-response+json'] as const
export type ResponseType = (typeof responseTypes)[number]

/** One range of `Accept`; parameters other than the weight say nothing that we do not do anyway. */
interface Range {
  readonly name: string
  /** 0 to 1, 0 refuses. */
  readonly weight: number
}

/**
 * The type that an `Accept` prefers (RFC 9110 §12.5.1): the heavier, then what is named, then what stands first.
 * @throws {Fault} `not_acceptable` where it takes neither
 */
export function responseType(accept: string | undefined): ResponseType {
  const ranges = rangesOf(accept)
  const [best] = responseTypes
    .flatMap((type) => rankOf(type, ranges) ?? [])
    .sort((a, b) => b.weight - a.weight || a.vague - b.vague || a.place - b.place)
  if (best === undefined) throw new Fault('not_acceptable', `This door answers in ${responseTypes.join(', ')}.`)
  return best.type
}

/** What a refusal is written as, of such an `Accept` too. */
export function refusalType(accept: string | undefined): ResponseType {
  try {
    return responseType(accept)
  } catch {
    return responseTypes[0]
  }
}

function rangesOf(accept: string | undefined): readonly Range[] {
  if (accept === undefined || accept.trim() === '') return [{ name: '*/*', weight: 1 }]
  return accept.split(',').map((range) => {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const weight = parameters.find((each) => each.startsWith('q='))?.slice('q='.length)
    return { name, weight: weight === undefined ? 1 : Number(weight) || 0 }
  })
}

/** By the most exact range that covers the type: `application/json;q=0` counts before `*` does. */
function rankOf(type: ResponseType, ranges: readonly Range[]) {
  for (const [vague, name] of [type, 'application/*', '*/*'].entries()) {
    const place = ranges.findIndex((range) => range.name === name)
    const weight = ranges[place]?.weight
    if (weight !== undefined) return weight > 0 ? { type, weight, vague, place } : undefined
  }
  return undefined
}
