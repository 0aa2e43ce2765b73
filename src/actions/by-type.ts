import { type Envelope, type IndicatorContent, isWhole } from '../domain/envelope.ts'
import { Fault } from '../domain/errors.ts'
import type { Handling } from '../domain/handling.ts'
import { stixObjectOf } from '../formats/envelope-stix.ts'
import { stixDraft } from '../formats/stix-object.ts'
import { narrowed } from '../policy/local-narrowing.ts'
import type { TypeFacts } from './handling.ts'
import { typeFactsOf } from './type-facts.ts'

/**
 * Personal data by its type is personal data, whatever the handling says, and also where the pattern alone has it; and what has no masked
 * form has none.
 */
export function byType(envelope: Envelope, handling: Handling): Handling {
  if (!isWhole(envelope)) return handling
  const [sealed, written] = [typeFactsOf(envelope.content), factsOfPattern(envelope.content)]
  const personalData = sealed.personalData || written?.personalData === true
  const maskable = sealed.maskable && written?.maskable !== false
  const said = (handling.personalData || !personalData) && (maskable || !handling.maskable)
  return said ? handling : typed(handling, personalData, maskable)
}

/** Envelopes of one batch have one handling, and are mostly of one type: it is narrowed once. */
function typed(handling: Handling, personalData: boolean, maskable: boolean): Handling {
  const known = typedOf.get(handling) ?? []
  typedOf.set(handling, known)
  const place = (personalData ? 2 : 0) + (maskable ? 1 : 0)
  const there = known[place] ?? narrowed(handling, { personalData, maskable })
  known[place] = there
  return there
}

const typedOf = new WeakMap<Handling, Handling[]>()

/** What the text says that readers get beside the observables, read once; undefined where its pattern is none that this node reads. */
export function factsOfPattern(content: IndicatorContent): TypeFacts | undefined {
  if (patternFacts.has(content)) return patternFacts.get(content)
  const facts = readPattern(content)
  patternFacts.set(content, facts)
  return facts
}

const patternFacts = new WeakMap<IndicatorContent, TypeFacts | undefined>()

function readPattern(content: IndicatorContent): TypeFacts | undefined {
  try {
    const origin = { position: {}, pointer: '', received: content.stix, markingOf: () => ({}) }
    return typeFactsOf(stixDraft(stixObjectOf(content), origin))
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
}
