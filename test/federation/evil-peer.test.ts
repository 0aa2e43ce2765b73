import t from 'tap'
import type { NodeFacts, ReceivedEntry } from '../../src/actions/prove-envelope.ts'
import { type ReceiverFacts, receiveEnvelope } from '../../src/actions/receive-envelope.ts'
import type { Envelope, Hop } from '../../src/domain/envelope.ts'
import type { Handling } from '../../src/domain/handling.ts'
import { limits } from '../../src/domain/limits.ts'
import { revokeKey } from '../../src/domain/peer-keys.ts'
import { type RefusalCode, refusalCodes, type Verdict } from '../../src/domain/verdict.ts'
import { writeEnvelope } from '../../src/formats/envelope.ts'
import type { KnownVersion } from '../../src/policy/version-rules.ts'
import { envelopeDigest } from '../../src/seal/batches.ts'
import {
  after,
  digestOf,
  enrolled,
  envelopeOf,
  green,
  keyFrom,
  nodeFrom,
  now,
  pinnedKey,
  readerAt,
  receiver,
  sealed,
  sealedTexts,
  uuidFrom,
  whole,
} from './cast.ts'

/** Everything that a hostile peer, relay or thief of keys can send, and what becomes of it at CSIRT Chile. */

const [brazil, uruguay, chile, evil] = [
  await nodeFrom('brazil'),
  await nodeFrom('uruguay'),
  await nodeFrom('chile'),
  await nodeFrom('evil'),
]

const nodes = (changes: Readonly<Record<string, Partial<NodeFacts>>> = {}) =>
  new Map([
    [brazil.id, enrolled(brazil, ['cert-br', 'isp-br'], changes.brazil)],
    [uruguay.id, enrolled(uruguay, ['lacnic'], { communities: new Set(['banks']), ...changes.uruguay })],
    [evil.id, enrolled(evil, ['evil-org'], changes.evil)],
  ])

interface Asked {
  readonly nodes?: Readonly<Record<string, Partial<NodeFacts>>>
  readonly facts?: Partial<ReceiverFacts>
  readonly known?: KnownVersion
  readonly at?: Date
}

const seen = new Set<RefusalCode>()

function judge(entry: ReceivedEntry, asked: Asked = {}): Verdict {
  const verdict = receiveEnvelope(
    entry,
    receiver(chile, nodes(asked.nodes), asked.facts),
    () => asked.known,
    asked.at ?? now,
  )
  if ('code' in verdict) seen.add(verdict.code)
  return verdict
}

const code = (verdict: Verdict): string => ('code' in verdict ? `${verdict.outcome} ${verdict.code}` : verdict.outcome)

const first = envelopeOf(brazil, 'cert-br')
const knows = (envelope: Envelope, more: Partial<KnownVersion> = {}): KnownVersion => ({
  version: envelope.version,
  digest: envelopeDigest(writeEnvelope(envelope)),
  epoch: envelope.epoch,
  held: true,
  bare: false,
  recalled: false,
  ...more,
})
const next = (version: number, more: Partial<Envelope> = {}): Envelope =>
  envelopeOf(brazil, 'cert-br', {
    version,
    previousVersion: version - 1,
    content: whole('one', 'revised').content,
    ...more,
  })
const tombstone = (version: number, more: Partial<Envelope> = {}): Envelope =>
  next(version, { content: { kind: 'recalled', reason: 'a false positive' }, handling: null, ...more })
const bare = (version: number): Envelope => next(version, { content: { kind: 'narrowed' }, handling: null })
const hop = (node: { readonly id: string }, from: { readonly id: string }): Hop => ({
  node: node.id,
  from: from.id,
  at: after(-100),
})
const viaUruguay = { hops: [hop(uruguay, brazil)], sender: uruguay.id }

t.test('what an honest node seals is applied, from itself and through a relay', async (t) => {
  const verdict = judge(await sealed(brazil, first))
  t.match(verdict, { outcome: 'applied', effect: 'indicator', envelope: first, handling: first.handling })
  t.match(verdict, { digest: envelopeDigest(writeEnvelope(first)) })
  const { node, originator, id, version } = first
  t.match(judge(await sealed(brazil, first), { facts: { readers: [] } }), { about: { node, originator, id, version } })
  t.equal(code(judge(await sealed(brazil, first, viaUruguay))), 'applied')
  t.equal(code(judge(await sealed(brazil, first), { known: knows(first) })), 'known', 'twice is once')
  t.match(judge(await sealed(brazil, next(2)), { known: knows(first) }), { outcome: 'applied' })
})

t.test('an originator is not forged', async (t) => {
  const forged = envelopeOf(evil, 'cert-br')
  const everyKey = { pinned: [brazil.pinned, evil.pinned] }
  t.equal(code(judge(await sealed(evil, forged))), 'refused originator_not_homed')
  const named = { ...first, issuedAt: after(-2_000) }
  const byEvil = { by: evil.key, sender: evil.id, ...everyKey }
  t.equal(code(judge(await sealed(brazil, named, { ...byEvil, hops: [hop(evil, brazil)] }))), 'refused key_unknown')
  const asEvil = { ...byEvil, as: evil, hops: [hop(evil, brazil)] }
  t.equal(
    code(judge(await sealed(brazil, named, asEvil))),
    'refused seal_mismatch',
    'another node’s envelope under one’s own seal',
  )
  const oldEpoch = { ...first, epoch: uuidFrom('another epoch') }
  t.equal(code(judge(await sealed(brazil, oldEpoch))), 'refused seal_mismatch')
  const stranger = await nodeFrom('a stranger')
  t.equal(code(judge(await sealed(stranger, envelopeOf(stranger, 'stranger-org')))), 'refused node_unknown')
  t.equal(
    code(judge(await sealed(stranger, envelopeOf(stranger, 'stranger-org'), { pinned: [] }))),
    'refused key_unknown',
  )
})

t.test('not one byte is altered by a relay: handling, label, audience, content', async (t) => {
  const amber = green('cert-br', { tlp: 'amber', organisations: ['csirt-cl'] })
  const honest = await sealed(brazil, { ...first, handling: amber }, viaUruguay)
  t.equal(code(judge(honest)), 'applied')
  const altered = (handling: Handling): ReceivedEntry => ({ ...honest, text: writeEnvelope({ ...first, handling }) })
  t.equal(code(judge(altered({ ...amber, tlp: 'green', organisations: [] }))), 'refused path_invalid', 'a lower label')
  t.equal(
    code(judge(altered({ ...amber, organisations: ['csirt-cl', 'evil-org'] }))),
    'refused path_invalid',
    'a wider audience',
  )
  t.equal(code(judge(altered({ ...amber, lawEnforcement: 'allowed' }))), 'refused path_invalid')
  t.equal(code(judge({ ...honest, index: honest.index + 1 })), 'refused path_invalid')
  t.equal(code(judge({ ...honest, path: honest.path.slice(1) })), 'refused path_invalid')
  for (let at = 0; at < honest.text.length; at += 7) {
    const text = `${honest.text.slice(0, at)}~${honest.text.slice(at + 1)}`
    if (text === honest.text) continue
    t.equal(judge({ ...honest, text }).outcome, 'refused', `byte ${at}`)
  }
  const spaced = honest.text.replace(':', ': ')
  t.equal(code(judge({ ...honest, text: spaced })), 'refused malformed', 'the same meaning in other bytes')
})

t.test('what was sealed badly by its own node is refused by its form', async (t) => {
  const sealedText = async (text: string) => {
    const [entry] = await sealedTexts(brazil, [text])
    if (entry === undefined) throw new Error('nothing was sealed')
    return judge(entry)
  }
  const text = (changes: object) => JSON.stringify(sorted({ ...first, ...changes }))
  t.equal(code(await sealedText('{}')), 'refused form_unknown')
  t.equal(code(await sealedText('[1')), 'refused malformed')
  t.equal(code(await sealedText(text({ v: 9 }))), 'refused form_unknown')
  t.equal(code(await sealedText(text({ handling: { ...first.handling, tlp: 'beige' } }))), 'refused handling_invalid')
  t.equal(code(await sealedText(text({ handling: { ...first.handling, tlp: 'red' } }))), 'refused red_travels_not')
  t.equal(code(await sealedText(`"${'x'.repeat(limits.envelopeBytes)}"`)), 'refused too_large')
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  t.equal(code(await sealedText(deep)), 'refused malformed', 'poison')
  const entry = await sealed(brazil, first)
  t.equal(code(judge({ ...entry, path: Array.from({ length: 33 }, () => digestOf('x')) })), 'refused too_large')
  t.equal(code(judge({ ...entry, seal: { fault: 'seal_invalid', detail: '' } })), 'refused seal_invalid')
  t.equal(
    code(judge(await sealed(brazil, { ...first, issuedAt: after(-100) }))),
    'refused seal_mismatch',
    'dated after its seal',
  )
})

t.test('what is for others is not kept here, whoever brings it', async (t) => {
  const forUruguay = { ...first, handling: green('cert-br', { tlp: 'amber', organisations: ['lacnic'] }) }
  t.equal(code(judge(await sealed(brazil, forUruguay, viaUruguay))), 'refused destination', 'a replay at another node')
  const excluded = { ...first, handling: green('cert-br', { notReleasableTo: ['CL'] }) }
  t.equal(code(judge(await sealed(brazil, excluded))), 'refused destination')
  const ended = { ...first, handling: green('cert-br', { expiresAt: after(0) }) }
  t.equal(code(judge(await sealed(brazil, ended))), 'refused destination')
  const strict = { ...first, handling: green('cert-br', { tlp: 'amber+strict', organisations: ['provider'] }) }
  const client = readerAt('csirt-cl', 'CL', { providers: [{ id: 'provider', communities: [] }] })
  t.equal(code(judge(await sealed(brazil, strict), { facts: { readers: [client] } })), 'refused destination')
  t.equal(code(judge(await sealed(brazil, first), { facts: { readers: [] } })), 'refused destination')
  const noAgreement = { world: { ...receiver(chile, nodes()).world, agreements: [] } }
  t.equal(code(judge(await sealed(brazil, first), { facts: noAgreement })), 'refused destination')
})

t.test('personal data is personal data, whatever its originator says', async (t) => {
  const id = `indicator--${uuidFrom('mail')}`
  const stix = JSON.stringify({ type: 'indicator', id })
  const observables = [{ type: 'email-address', value: 'ana@example.br' }] as const
  const content = { kind: 'published' as const, stix, observables, compound: false }
  const mail = envelopeOf(brazil, 'cert-br', { id, content })
  t.equal(code(judge(await sealed(brazil, mail))), 'refused destination', 'the agreement leaves out personal data')
  const { world } = receiver(chile, nodes())
  const agreements = world.agreements.map((each) => ({ ...each, personalData: true }))
  const verdict = judge(await sealed(brazil, mail), { facts: { world: { ...world, agreements } } })
  t.match(verdict, { outcome: 'narrowed', handling: { personalData: true } })
  const again = judge(await sealed(brazil, mail), { facts: { world: { ...world, agreements } } })
  t.ok('handling' in verdict && 'handling' in again && verdict.handling === again.handling, 'narrowed once')
  // A pattern that says more than what was sealed beside it is what readers are given.
  const times = { created: after(-60_000), modified: after(-60_000), valid_from: after(-60_000) }
  const pattern = { pattern: "[email-addr:value = 'ana@example.br']", pattern_type: 'stix' }
  const hidden = envelopeOf(brazil, 'cert-br', {
    id,
    content: {
      ...{ kind: 'published', compound: false, observables: [{ type: 'ipv4-address', value: '192.0.2.1' }] },
      stix: JSON.stringify({ type: 'indicator', spec_version: '2.1', id, ...times, ...pattern }),
    },
  })
  t.equal(code(judge(await sealed(brazil, hidden))), 'refused destination', 'personal data in the pattern alone')
})

t.test('versions: none that is old, jumps, forks, or comes from the future', async (t) => {
  const third = next(3)
  const known = knows(third)
  t.equal(code(judge(await sealed(brazil, first), { known })), 'refused version_outdated')
  t.equal(
    code(judge(await sealed(brazil, tombstone(2)), { known })),
    'refused version_outdated',
    'a replayed tombstone',
  )
  const jump = await sealed(brazil, next(9))
  t.match(judge(jump, { known }), { outcome: 'quarantined', code: 'version_jump', retry: 'version' })
  t.match(judge(await sealed(brazil, next(2))), { outcome: 'quarantined', code: 'version_jump' })
  t.equal(judge({ ...jump, gap: { from: 3 } }, { known }).outcome, 'applied', 'a gap that the sender declares')
  t.equal(judge({ ...jump, gap: { from: 0 } }, { known }).outcome, 'applied')
  t.equal(code(judge({ ...jump, gap: { from: 4 } }, { known })), 'quarantined version_jump', 'a gap after what we lack')
  const fork = next(9, { previousVersion: 1 })
  t.equal(code(judge(await sealed(brazil, fork), { known })), 'refused version_conflict')
  const ahead = (ms: number, envelope = next(4)) =>
    sealed(brazil, { ...envelope, issuedAt: after(ms) }, { at: after(ms) })
  t.equal(judge(await ahead(60_000), { known }).outcome, 'applied')
  t.match(judge(await ahead(60_001), { known }), { code: 'issued_in_future', retry: { at: after(1) } })
  t.equal(
    judge(await ahead(3_600_000), { known, at: new Date(after(3_600_000 - 60_000)) }).outcome,
    'applied',
    'an hour later',
  )
  t.equal(
    code(judge(await ahead(Date.parse('9999-01-01T00:00:00.000Z') - now.getTime()), { known })),
    'refused issued_in_future',
  )
  t.equal(judge(await ahead(3_600_000, tombstone(4)), { known }).outcome, 'applied', 'a recall waits for no clock')
  t.equal(code(judge(await ahead(86_400_001, tombstone(4)), { known })), 'refused issued_in_future')
})

t.test('a tombstone is for ever, and its originator’s alone', async (t) => {
  const dead = knows(tombstone(2), { recalled: true, held: false })
  t.match(judge(await sealed(brazil, tombstone(2)), { known: knows(first) }), {
    outcome: 'applied',
    effect: 'tombstone',
  })
  t.equal(judge(await sealed(brazil, tombstone(2))).outcome, 'applied', 'also before what it recalls')
  t.equal(judge(await sealed(brazil, tombstone(9)), { known: knows(first) }).outcome, 'applied', 'over any gap')
  t.equal(code(judge(await sealed(brazil, first), { known: dead })), 'refused recalled')
  t.equal(code(judge(await sealed(brazil, next(3)), { known: dead })), 'refused recalled', 'revived after the recall')
  const nine = await sealed(brazil, next(9))
  t.equal(code(judge({ ...nine, gap: { from: 0 } }, { known: dead })), 'refused recalled')
  t.equal(code(judge(await sealed(brazil, bare(3)), { known: dead })), 'refused recalled')
  t.equal(code(judge(await sealed(brazil, tombstone(2)), { known: dead })), 'known')
  t.equal(code(judge(await sealed(brazil, tombstone(3)), { known: dead })), 'known')
  const theirs = { ...tombstone(2), node: evil.id, epoch: evil.epoch }
  t.equal(code(judge(await sealed(evil, theirs), { known: knows(first) })), 'refused originator_not_homed')
  const sameNumber = tombstone(1, { previousVersion: 0 })
  t.equal(judge(await sealed(brazil, sameNumber), { known: knows(first) }).outcome, 'applied')
})

t.test('a narrowing version has two forms, and neither undoes the other', async (t) => {
  const [full, withdrawal] = [next(2, { content: whole('one', 'narrowed').content }), bare(2)]
  t.match(judge(await sealed(brazil, withdrawal), { known: knows(first) }), {
    outcome: 'applied',
    effect: 'withdrawal',
  })
  t.equal(code(judge(await sealed(brazil, withdrawal), { known: knows(full) })), 'known')
  const had = knows(withdrawal, { bare: true, held: false })
  t.match(judge(await sealed(brazil, full), { known: had }), { outcome: 'applied', effect: 'indicator' })
  t.equal(code(judge(await sealed(brazil, withdrawal), { known: had })), 'known')
  t.equal(code(judge(await sealed(brazil, first), { known: had })), 'refused version_outdated', 'what was withdrawn')
  t.equal(judge(await sealed(brazil, next(3)), { known: had }).outcome, 'applied', 'and what came after')
  const wider = next(2, { content: whole('one', 'revised').content })
  t.equal(judge(await sealed(brazil, wider), { known: had }).outcome, 'applied', 'one that took it from us alone')
  t.equal(code(judge(await sealed(brazil, withdrawal), { known: knows(wider) })), 'known')
})

t.test('content that nobody here could have is taken again when somebody may', async (t) => {
  t.equal(judge(await sealed(brazil, first), { known: knows(first, { held: false }) }).outcome, 'applied')
})

t.test('one version has one content, in one epoch', async (t) => {
  const other = { ...first, content: whole('one', 'published', '192.0.2.2').content }
  t.equal(code(judge(await sealed(brazil, other), { known: knows(first) })), 'refused equivocation')
  t.equal(code(judge(await sealed(brazil, other), { known: knows(first, { held: false }) })), 'refused equivocation')
  const restored = { ...first, epoch: uuidFrom('restored') }
  const entry = await sealed(brazil, restored, { as: { ...brazil, epoch: restored.epoch } })
  t.match(judge(entry, { known: knows(first) }), { outcome: 'quarantined', code: 'epoch_conflict', retry: 'operator' })
})

const checkpoint = (version: number, size: number, root = 'A'.repeat(43)): Envelope =>
  envelopeOf(uruguay, 'lacnic', {
    ...{ id: `checkpoint--${uruguay.id}`, version, previousVersion: version - 1, handling: null },
    content: { kind: 'checkpoint', size, root, expiresAt: after(600_000) },
  })

t.test('checkpoints only grow; two roots of one size are seen', async (t) => {
  const known = knows(checkpoint(5, 7), { head: { size: 7, root: 'A'.repeat(43) } })
  t.match(judge(await sealed(uruguay, checkpoint(9, 8)), { known }), { outcome: 'applied', effect: 'checkpoint' })
  t.equal(code(judge(await sealed(uruguay, checkpoint(6, 7, `${'A'.repeat(42)}E`)), { known })), 'refused equivocation')
  t.equal(code(judge(await sealed(uruguay, checkpoint(6, 6)), { known })), 'refused version_outdated')
  const other = { ...checkpoint(6, 8), id: `checkpoint--${brazil.id}` }
  const [entry] = await sealedTexts(uruguay, [JSON.stringify(sorted(other))])
  t.equal(entry === undefined ? '' : code(judge(entry)), 'refused malformed', 'another node’s checkpoint')
})

t.test('who left a community is said by the node that keeps it', async (t) => {
  const left = (node: typeof brazil, originator: string): Envelope =>
    envelopeOf(node, originator, {
      ...{ id: `membership--${uuidFrom('left')}`, handling: null },
      content: { kind: 'membership', community: 'banks', organisation: 'csirt-cl', leftAt: after(-1_000) },
    })
  t.match(judge(await sealed(uruguay, left(uruguay, 'lacnic'))), { outcome: 'applied', effect: 'membership' })
  t.equal(code(judge(await sealed(brazil, left(brazil, 'cert-br')))), 'refused community_not_kept')
})

t.test('a sighting is of what is here, and for whom it may be', async (t) => {
  const sighting = envelopeOf(uruguay, 'lacnic', {
    id: `sighting--${uuidFrom('seen')}`,
    content: {
      ...{ kind: 'sighted', of: { originator: 'cert-br', id: first.id }, type: 'seen', count: 3 },
      ...{ firstSeen: after(-2_000), lastSeen: after(-1_000) },
    },
    handling: green('lacnic'),
  })
  const facts = { targetOf: () => green('cert-br') }
  t.match(judge(await sealed(uruguay, sighting), { facts }), { outcome: 'applied', effect: 'sighting' })
  t.match(judge(await sealed(uruguay, sighting)), { outcome: 'quarantined', code: 'target_unknown', retry: 'target' })
  const forged = { ...sighting, originator: 'cert-br', handling: green('cert-br') }
  t.equal(code(judge(await sealed(uruguay, forged), { facts })), 'refused originator_not_homed')
})

t.test('keys: replaced, revoked back to an instant, revoked and backdated', async (t) => {
  const second = await keyFrom('brazil, the second')
  const keys = [
    brazil.pinned,
    { ...pinnedKey(second, after(-600)), endorsedBy: brazil.key.kid, pinnedAt: after(-9_000) },
  ]
  const sealing = { pinned: keys }
  const rotated = { nodes: { brazil: { keys } } }
  t.equal(judge(await sealed(brazil, first, sealing), rotated).outcome, 'applied', 'the old key, in the overlap')
  t.equal(judge(await sealed(brazil, first, { ...sealing, by: second }), rotated).outcome, 'applied', 'the new key')
  const tooEarly = { ...sealing, by: second, at: after(-700) }
  t.equal(code(judge(await sealed(brazil, first, tooEarly), rotated)), 'refused key_not_yet_valid')
  const revoked = { nodes: { brazil: { keys: revokeKey(keys, brazil.key.kid, after(-600), now) } } }
  t.equal(code(judge(await sealed(brazil, first, { ...sealing, at: after(-600) }), revoked)), 'refused key_revoked')
  const backdated = judge(await sealed(brazil, first, { ...sealing, at: after(-601) }), revoked)
  t.match(backdated, { outcome: 'quarantined', code: 'key_revoked_later', retry: 'operator' })
  t.equal(
    judge(await sealed(brazil, first, { ...sealing, by: second }), revoked).outcome,
    'applied',
    'the same bytes, sealed anew',
  )
  const stolen = { nodes: { brazil: { keys: revokeKey(keys, brazil.key.kid, after(-9_500), now) } } }
  t.equal(
    code(judge(await sealed(brazil, first, { ...sealing, by: second }), stolen)),
    'refused key_revoked',
    'endorsed by the thief',
  )
})

t.test('an expelled node is out, also through one that has not heard; a suspended one waits', async (t) => {
  const expelled = { nodes: { brazil: { state: 'expelled' as const } } }
  t.equal(code(judge(await sealed(brazil, first), expelled)), 'refused node_expelled')
  t.equal(code(judge(await sealed(brazil, first, viaUruguay), expelled)), 'refused node_expelled')
  t.equal(code(judge(await sealed(brazil, tombstone(2), viaUruguay), expelled)), 'refused node_expelled')
  const relay = { nodes: { uruguay: { state: 'expelled' as const } } }
  t.equal(code(judge(await sealed(brazil, first, viaUruguay), relay)), 'refused node_expelled', 'and what it passes on')
  t.equal(judge(await sealed(brazil, tombstone(2), viaUruguay), relay).outcome, 'applied', 'but for a recall')
  const suspended = { nodes: { brazil: { state: 'suspended' as const } } }
  t.match(judge(await sealed(brazil, first), suspended), {
    outcome: 'quarantined',
    code: 'node_suspended',
    retry: 'operator',
  })
  const forOthers = { ...first, handling: green('cert-br', { notReleasableTo: ['CL'] }) }
  t.equal(
    code(judge(await sealed(brazil, forOthers), suspended)),
    'refused destination',
    'what is not for us is not even kept',
  )
})

t.test('loops end, and hops lead from the originating node to the sender', async (t) => {
  const via = (hops: readonly Hop[], sender: string) => sealed(brazil, first, { hops, sender })
  t.equal(code(judge(await via([hop(chile, brazil), hop(uruguay, chile)], uruguay.id))), 'refused loop')
  t.equal(
    code(judge(await sealed(chile, envelopeOf(chile, 'csirt-cl'), { sender: evil.id, pinned: [chile.pinned] }))),
    'refused loop',
  )
  t.equal(code(judge(await via([], uruguay.id))), 'refused hops_invalid', 'a relay that does not say so')
  t.equal(code(judge(await via([hop(uruguay, evil)], uruguay.id))), 'refused hops_invalid')
  t.equal(code(judge(await via([hop(evil, brazil)], uruguay.id))), 'refused hops_invalid')
  t.equal(
    code(judge(await via([hop(uruguay, brazil), hop(brazil, uruguay)], brazil.id))),
    'refused hops_invalid',
    'a circle',
  )
  const names = Array.from({ length: limits.peerHops + 1 }, (_, n) => ({ id: uuidFrom(`relay ${n}`) }))
  const chain = names.map((relay, n) => hop(relay, names[n - 1] ?? brazil))
  t.equal(judge(await via(chain.slice(0, -1), chain.at(-2)?.node ?? '')).outcome, 'applied')
  t.equal(code(judge(await via(chain, chain.at(-1)?.node ?? ''))), 'refused hops_invalid')
})

t.test('own policy narrows what is kept; when it fails nothing is applied', async (t) => {
  const entry = await sealed(brazil, first)
  const narrow = (narrowing: object) => ({ facts: { narrow: () => narrowing } })
  t.match(judge(entry, narrow({ pap: 'red' })), {
    outcome: 'narrowed',
    handling: { tlp: 'green', pap: 'red' },
    envelope: first,
  })
  t.match(judge(entry, narrow({ tlp: 'clear', pap: 'clear', lawEnforcement: 'allowed' })), {
    outcome: 'applied',
    handling: first.handling,
  })
  t.equal(code(judge(entry, narrow({ notReleasableTo: ['CL'] }))), 'refused destination', 'narrowed to nobody here')
  const broken = () => {
    throw new Error('broken')
  }
  t.match(judge(entry, { facts: { narrow: broken } }), { outcome: 'quarantined', code: 'policy_failed' })
})

t.test('every code of the protocol was seen here', async (t) => {
  t.strictSame(
    refusalCodes.filter((each) => !seen.has(each)),
    [],
  )
})

/** Members in canonical order, for texts that the writer refuses. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, each]) => [name, sorted(each)]),
  )
}
