import type { Purpose } from '../domain/agreement.ts'
import type { Decision, Obligation, RuleFinding, RuleId } from '../domain/decision.ts'
import type { Handling } from '../domain/handling.ts'
import type { Reader, World } from '../domain/reader.ts'
import { strictness, tlpLabel } from '../domain/tlp.ts'
import { type Answer, rules as houseRules, type Question, type Rule } from './rules.ts'

/**
 * The one decision: may this reader have what carries this handling, for this purpose, at this instant?
 * `own` permits at once; otherwise every rule that applies must permit, and the first refusal is the reason.
 * A rule that throws refuses, and so does a world in which no rule about TLP applied.
 * Pure: the same question has the same answer, whoever asks and whenever.
 */
export function decide(
  reader: Reader,
  handling: Handling,
  purpose: Purpose,
  at: Date,
  world: World,
  rules: readonly Rule[] = houseRules,
): Decision {
  const question: Question = { reader, handling, purpose, at, world }
  const findings: RuleFinding[] = []
  for (const rule of rules) {
    const answer = ask(rule, question)
    if (answer === undefined) continue
    const { final, ...found } = answer
    findings.push({ id: rule.id, source: rule.source, ...found })
    if (answer.outcome === 'deny') return decided('deny', rule.id, findings, question)
    if (final === true) return decided('permit', rule.id, findings, question)
  }
  const label = findings.find((finding) => finding.id.startsWith('tlp.'))
  if (label === undefined) return decided('deny', 'unknown', findings, question)
  const masked = findings.find((finding) => finding.outcome === 'redact')
  return masked === undefined
    ? decided('permit', label.id, findings, question)
    : decided('redact', masked.id, findings, question)
}

function ask(rule: Rule, question: Question): Answer | undefined {
  try {
    return rule.judge(question)
  } catch {
    return { outcome: 'deny', sentence: 'The rule could not be answered, so it refuses.' }
  }
}

function decided(
  effect: Decision['effect'],
  reason: RuleId,
  rules: readonly RuleFinding[],
  question: Question,
): Decision {
  const expiresAt = nextChange(question)
  return {
    effect,
    reason,
    rules,
    obligations: effect === 'deny' ? [] : obligationsOf(effect, rules, question.handling),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  }
}

function obligationsOf(effect: 'permit' | 'redact', rules: readonly RuleFinding[], handling: Handling): Obligation[] {
  const obligations: Obligation[] = []
  if (strictness(handling.tlp) > 0) {
    obligations.push({ id: 'tlp', sentence: `Share it no further than ${tlpLabel(handling.tlp)} allows.` })
  }
  if (handling.pap === 'amber' || handling.pap === 'red') {
    obligations.push({
      id: 'pap',
      sentence: `PAP:${handling.pap.toUpperCase()}: no action that its subject could notice; it goes into no blocklist.`,
    })
  }
  if (effect === 'redact')
    obligations.push({ id: 'masked', sentence: 'The value is masked; do not try to recover it.' })
  if (handling.attribution === 'anonymous') {
    obligations.push({ id: 'attribution', sentence: 'Its source stays anonymous.' })
  }
  for (const { agreement, request } of rules) {
    if (agreement !== undefined) obligations.push({ id: 'agreement', sentence: `Keep to the agreement ${agreement}.` })
    if (request !== undefined) obligations.push({ id: 'request', sentence: `Keep to the legal request ${request}.` })
  }
  return obligations
}

/** The next instant at which time alone may change the answer: an expiry, or the edge of an agreement or a grant. */
function nextChange({ reader, handling, at, world }: Question): string | undefined {
  const instants = [
    handling.expiresAt,
    ...world.agreements.flatMap((each) => [each.validFrom, each.validTo]),
    ...reader.grants.flatMap((each) => [each.approvedAt, each.expiresAt]),
  ]
  let next = Number.POSITIVE_INFINITY
  for (const instant of instants) {
    const time = instant === undefined ? Number.NaN : Date.parse(instant)
    if (time > at.getTime() && time < next) next = time
  }
  return next === Number.POSITIVE_INFINITY ? undefined : new Date(next).toISOString()
}
