import { canonicalHandling, type Handling } from '../../src/domain/handling.ts'
import { widens } from '../../src/policy/widening.ts'
import { type Deceit, ModelCheckpoints } from './model-checkpoints.ts'
import type { ModelNode } from './model-node.ts'
import { type Effect, ModelNotices, type Notice } from './model-notices.ts'
import { ModelWidening, type WideningLetter } from './model-widening.ts'
import {
  type Chance,
  type Change,
  communities,
  homeOfModel,
  keeperOf,
  type ModelDirectory,
  readersAt,
} from './model-world.ts'
import { allowed, Broken, type Truth } from './simulation-laws.ts'

/** The run that this is part of. */
export interface Stage {
  readonly nodes: readonly ModelNode[]
  /** Who asks whom. */
  readonly links: readonly (readonly [asker: number, asked: number])[]
  readonly truth: Truth
  at: number
  readonly directory: ModelDirectory
  readonly expelled: number | undefined
  /** Whether something comes from one node to another now. */
  passes(from: number, to: number): boolean
  write(node: ModelNode, key: string, handling: NonNullable<ReturnType<typeof handlingOf>>): Promise<void>
}

const handlingOf = (node: ModelNode, key: string) => node.items.get(key)?.handling ?? undefined
const hourMs = 3_600_000

/**
 * Beside the indicators of a run: what is said of them, who leaves communities, checkpoints, and requests to widen. Its chances are its
 * own, so that what becomes of the indicators is not another run.
 */
export class Others {
  readonly #stage: Stage
  readonly #chance: Chance
  readonly #notices: readonly ModelNotices[]
  readonly #checkpoints: readonly ModelCheckpoints[]
  readonly #widening: readonly ModelWidening[]
  /** Which node lies, if one does: of sightings, departures and requests. */
  readonly #liar: number | undefined
  readonly #deceiver: number | undefined
  #rewritten: ReadonlySet<string> | undefined
  /** Digests of what was truly said: of sightings by reporters, of departures by keepers. */
  readonly #said = new Set<string>()
  readonly #departed = new Set<string>()
  /** The last departure that had an effect, at each node. */
  readonly #left: Map<string, number>[]
  readonly #honest = new Set<string>()
  #asked = 0
  #flight: (() => void)[] = []

  constructor(stage: Stage, chance: Chance) {
    this.#stage = stage
    this.#chance = chance
    const { nodes } = stage
    this.#liar = chance.is(0.5) ? chance.below(nodes.length) : undefined
    this.#deceiver = chance.is(0.4) ? chance.below(nodes.length) : undefined
    const deceit: Deceit = chance.pick(['two-faced', 'rewriting'])
    this.#notices = nodes.map((node) => new ModelNotices(node, nodes))
    this.#checkpoints = nodes.map(
      (node) => new ModelCheckpoints(node, nodes, node.index === this.#deceiver ? deceit : undefined),
    )
    this.#widening = nodes.map((node) => new ModelWidening(node, nodes))
    this.#left = nodes.map(() => new Map())
    for (const each of this.#notices) each.hostile = each.node.index === this.#liar
  }

  async step(): Promise<void> {
    const chance = this.#chance
    const luck = chance.next()
    if (luck < 0.1) await this.#sight(chance.pick(this.#notices))
    else if (luck < 0.13) await this.#lie()
    else if (luck < 0.2) await this.#close(chance.pick(this.#checkpoints))
    else if (luck < 0.4) this.#compare(...chance.pick(this.#stage.links))
    else if (luck < 0.6) this.#pull(...chance.pick(this.#stage.links))
    else if (luck < 0.75) this.#deliver()
    else if (luck < 0.82) this.#ask(...chance.pick(this.#stage.links))
    else if (luck < 0.95) this.#tell(chance.pick(this.#widening))
    else await this.#answer(chance.pick(this.#widening))
  }

  async #sight(notices: ModelNotices): Promise<void> {
    const { node } = notices
    const held = [...node.items].filter(([, { known }]) => known.held)
    if (held.length === 0) return
    const [of, item] = this.#chance.pick(held)
    const able = readersAt(node.directory, node.index).filter(
      (reader) =>
        item.handling !== null && allowed([reader], item.handling, node.clock(this.#stage.at), node.directory),
    )
    const reporter = able.length === 0 ? undefined : this.#chance.pick(able).organisation?.id
    if (reporter !== undefined) this.#noteSaid(await notices.sight(reporter, of, this.#stage.at))
  }

  #noteSaid(notice: Notice | undefined): void {
    if (notice !== undefined) this.#said.add(notice.known.digest.toString('hex'))
  }

  /** Whatever a node might say that is not its to say. */
  async #lie(): Promise<void> {
    const { directory, truth, at } = this.#stage
    const notices = this.#liar === undefined ? undefined : this.#notices[this.#liar]
    if (notices === undefined || truth.size === 0) return
    const chance = this.#chance
    const own = directory.organisations.filter(({ home }) => home === this.#liar).map(({ id }) => id)
    const anybody = chance.pick(directory.organisations).id
    const [what] = chance.pick([...truth])
    const kind = chance.pick(['departure', 'sighting', 'in another’s name', 'request', 'answer', 'answer'] as const)
    if (kind === 'departure') await this.#lieAboutMembers(notices, chance.pick(communities), anybody)
    // What its own organisation says is its word, whatever it is about: whether it may be taken is for the receiver.
    else if (kind === 'sighting') this.#noteSaid(await notices.pretend(chance.pick(own), what, at))
    else if (kind === 'in another’s name') {
      const notice = await notices.pretend(anybody, what, at)
      if (own.includes(anybody)) this.#noteSaid(notice)
    } else this.#lieInLetters(kind, chance.is(0.5) ? anybody : chance.pick(own), what)
  }

  async #lieAboutMembers(notices: ModelNotices, community: string, organisation: string): Promise<void> {
    const operator = `org-${notices.node.index}-0`
    const { known } = await notices.depart(community, organisation, operator, this.#stage.at)
    // Who keeps it is believed, whatever it says.
    if (keeperOf(community) === notices.node.index) this.#departed.add(known.digest.toString('hex'))
  }

  #lieInLetters(kind: 'request' | 'answer', asker: string, what: string): void {
    const [from, home] = [this.#liar ?? 0, this.#stage.truth.get(what)?.home ?? 0]
    if (kind === 'request') {
      const id = this.#widening[from]?.ask(asker, what, 1, home, `lie ${this.#asked++}`, this.#stage.at).id
      const letter = this.#widening[from]?.letters().find(({ message }) => message.id === id)
      this.#widening[from]?.requests.delete(id ?? '')
      if (letter !== undefined && home !== from) this.#arrive(letter)
      return
    }
    const open = this.#widening.flatMap(({ node, requests }) =>
      [...requests.values()]
        .filter(
          ({ sentTo, state }) => sentTo !== undefined && sentTo !== from && state === 'open' && node.index !== from,
        )
        .map(({ id }) => ({ id, to: node.index })),
    )
    if (open.length === 0) return
    const { id, to } = this.#chance.pick(open)
    const message = { kind: 'answer', id, outcome: 'refused', note: 'a lie' } as const
    this.#arrive({ from, to, message })
  }

  /** The keeper of a community says who left it. */
  async heard(node: ModelNode, change: Change, before: ModelDirectory): Promise<void> {
    if (change.kind !== 'leave' || keeperOf(change.community) !== node.index) return
    if (!before.members[change.community]?.includes(change.organisation)) return
    const operator = `org-${node.index}-0`
    const notice = await this.#notices[node.index]?.depart(
      change.community,
      change.organisation,
      operator,
      this.#stage.at,
    )
    if (notice !== undefined) this.#departed.add(notice.known.digest.toString('hex'))
  }

  #pull(asker: number, asked: number): void {
    const [from, to] = [this.#notices[asked], this.#notices[asker]]
    if (from === undefined || to === undefined || !this.#stage.passes(asker, asked)) return
    if (to.node.directory.expelled.includes(asked)) return
    const page = from.pageFor(asker, to.cursorOf(asked), this.#stage.at)
    if (page === undefined || page.upTo === page.after || !this.#stage.passes(asked, asker)) return
    const arrive = () => this.#take(to, page, this.#chance.is(0.15))
    this.#flight.push(arrive)
    if (this.#chance.is(0.2)) this.#flight.push(arrive)
  }

  #deliver(): void {
    if (this.#flight.length === 0) return
    const [arrive] = this.#flight.splice(this.#chance.below(this.#flight.length), 1)
    arrive?.()
  }

  #take(to: ModelNotices, page: Parameters<ModelNotices['receive']>[0], crash: boolean): void {
    to.node.tick(this.#stage.at)
    this.#effects(to, [...to.tick(this.#stage.at), ...to.receive(page, this.#stage.at, crash)])
    for (const { handling } of to.waiting)
      if (!this.#mayHave(to.node, handling)) throw new Broken('confidential: a sighting waits where nobody may have it')
  }

  #mayHave = (node: ModelNode, handling: Parameters<typeof allowed>[1]): boolean =>
    allowed(readersAt(node.directory, node.index), handling, node.clock(this.#stage.at), node.directory)

  #effects({ node }: ModelNotices, effects: readonly Effect[]): void {
    // All of a page was judged by the directory as it was.
    for (const { key, notice } of effects) if (notice.left === undefined) this.#sighted(node, key, notice)
    for (const { key, notice } of effects) if (notice.left !== undefined) this.#departedAt(node, key, notice)
  }

  #sighted(node: ModelNode, key: string, { known, handling, of = '' }: Notice): void {
    if (!this.#said.has(known.digest.toString('hex'))) throw new Broken('sightings: somebody spoke in another’s name')
    const target = handlingOf(node, of)
    if (handling === undefined || !this.#mayHave(node, handling))
      throw new Broken('sightings: one is where nobody may have it')
    if (target === undefined || node.items.get(of)?.known.held !== true)
      throw new Broken('sightings: one is where its indicator is not')
    if (!this.#mayReport(node, key.split(' ')[0], of, target))
      throw new Broken('sightings: its reporter may not have what it speaks of')
  }

  #departedAt(node: ModelNode, key: string, { known, left }: Notice): void {
    if (!this.#departed.has(known.digest.toString('hex')))
      throw new Broken('departures: another than the keeper was believed')
    if (known.version <= (this.#left[node.index]?.get(key) ?? 0))
      throw new Broken('departures: an earlier one came back')
    this.#left[node.index]?.set(key, known.version)
    if (left !== undefined) node.hear({ kind: 'leave', ...left }, this.#stage.at)
  }

  async #close(checkpoints: ModelCheckpoints): Promise<void> {
    const rewrites = checkpoints.deceit === 'rewriting' && this.#rewritten === undefined && checkpoints.size > 1
    if (!rewrites) return await checkpoints.close(this.#stage.at)
    const before = this.#checkpoints.flatMap(({ kept }) => kept.filter(({ node }) => node === checkpoints.node.test.id))
    this.#rewritten = new Set(before.map(({ carried: { text } }) => text))
    await checkpoints.rewrite(this.#stage.at)
  }

  /** A node asks a peer for its checkpoint. One question at a time: it is answered, or lost. */
  #compare(asker: number, asked: number): void {
    const [from, to] = [this.#checkpoints[asked], this.#checkpoints[asker]]
    if (from === undefined || to === undefined || to.node.directory.expelled.includes(asked)) return
    if (!this.#stage.passes(asker, asked) || !this.#stage.passes(asked, asker)) return
    const sizes = to.sizesOf(asked)
    const answer = from.answerFor(asker, sizes, this.#stage.at)
    if (answer !== undefined) to.take(answer, sizes, this.#stage.at)
    const deceiver = this.#deceiver === undefined ? undefined : this.#stage.nodes[this.#deceiver]?.test.id
    for (const id of to.found.keys()) if (id !== deceiver) throw new Broken('checkpoints: an honest node is accused')
  }

  /** A reader at one node asks the originator, at another that is a peer. */
  #ask(asker: number, asked: number): void {
    const { at } = this.#stage
    const node = this.#stage.nodes[asker]
    if (node === undefined || node.index === this.#liar) return
    const held = [...node.items].filter(([of, { known }]) => known.held && this.#stage.truth.get(of)?.home === asked)
    if (held.length === 0) return
    const [of, item] = this.#chance.pick(held)
    const reader = this.#chance.pick(readersAt(node.directory, asker))
    if (item.handling === null || !allowed([reader], item.handling, node.clock(at), node.directory)) return
    const id = reader.organisation?.id ?? ''
    const request = this.#widening[asker]?.ask(id, of, item.known.version, asked, `canary reason ${this.#asked++}`, at)
    if (request !== undefined) this.#honest.add(request.id)
    if (request !== undefined && this.#chance.is(0.1)) this.#widening[asker]?.withdraw(request.id)
  }

  /** What waits is told: the letter or its answer may be lost, come twice, or late. */
  #tell(widening: ModelWidening): void {
    const letters = widening.letters()
    if (letters.length === 0) return
    const letter = this.#chance.pick(letters)
    if (!this.#stage.passes(letter.from, letter.to)) return
    const arrive = () => this.#arrive(letter, true)
    if (this.#chance.is(0.3)) this.#flight.push(arrive)
    else arrive()
    if (this.#chance.is(0.2)) this.#flight.push(arrive)
  }

  #arrive(letter: WideningLetter, answered = false): void {
    const [from, to] = [this.#widening[letter.from], this.#widening[letter.to]]
    if (from === undefined || to === undefined || to.node.directory.expelled.includes(letter.from)) return
    const before = to.requests.get(letter.message.id)
    const outcome = to.take(letter, this.#stage.at)
    if (outcome.outcome === 'taken') this.#taken(to, letter, before === undefined)
    if (answered && this.#stage.passes(letter.to, letter.from)) from.told(letter, outcome)
  }

  #taken({ node }: ModelWidening, { from, message }: WideningLetter, fresh: boolean): void {
    if (message.kind === 'answer') {
      const state = this.#widening[from]?.requests.get(message.id)?.state
      if (state !== message.outcome) throw new Broken('widening: an answer was taken that the originator never gave')
      return
    }
    if (!fresh) return
    const { asker, originator, indicator } = message
    if (homeOfModel(node.directory, asker) !== from) throw new Broken('widening: somebody asks in another’s name')
    const who = readersAt(node.directory).filter(({ organisation }) => organisation?.id === asker)
    const handling = handlingOf(node, `${originator} ${indicator}`)
    if (handling === undefined || !allowed(who, handling, node.clock(this.#stage.at), node.directory))
      throw new Broken('widening: something was asked for that the asker may not see')
  }

  async #answer(widening: ModelWidening): Promise<void> {
    const open = [...widening.requests.values()].filter(
      (each) => each.receivedFrom !== undefined && each.state === 'open',
    )
    if (open.length === 0) return
    const { id, of } = this.#chance.pick(open)
    const before = handlingOf(widening.node, of)
    const after = before && canonicalHandling({ ...before, tlp: 'clear', organisations: [], communities: [] })
    if (before === undefined || after === undefined || !widens(before, after) || this.#chance.is(0.5))
      return widening.answer(id, 'refused', `canary note ${id}`)
    await this.#stage.write(widening.node, of, after)
    widening.answer(id, 'accepted', `canary note ${id}`, widening.node.items.get(of)?.known.version)
  }

  /** Once indicators have come to rest: everything else is said until nothing is left to say. */
  rest(): void {
    for (const arrive of this.#flight.splice(0)) arrive()
    this.#settle()
  }

  /** And once more, since what a peer may have only since the directory changed goes out when it changes next. */
  async lastWords(): Promise<void> {
    for (const notices of this.#notices) await this.#sayAgain(notices)
    for (const each of this.#checkpoints) await this.#close(each)
    this.#stage.at += 2 * hourMs
    this.#settle()
    for (let heard = -1, now = 0; heard < now; ) {
      heard = now
      for (const [asker, asked] of this.#stage.links) this.#compare(asker, asked)
      now = this.#checkpoints.reduce((sum, each) => sum + each.heard, 0)
    }
  }

  /** Reporters say once more what they said, as far as they still may. */
  async #sayAgain(notices: ModelNotices): Promise<void> {
    const { node } = notices
    if (node.index === this.#liar) return
    for (const [key, { origin, of }] of [...notices.notices]) {
      if (origin === node.test.id && of !== undefined)
        this.#noteSaid(await notices.sight(key.split(' ')[0] ?? '', of, this.#stage.at))
    }
  }

  #settle(): void {
    for (const { node } of this.#notices) node.tick(this.#stage.at)
    for (let round = 0; round < 50; round++) {
      let moved = 0
      for (const [asker, asked] of this.#stage.links) moved += this.#exchange(asker, asked)
      for (const widening of this.#widening) moved += this.#post(widening)
      if (moved === 0) return
    }
    throw new Broken('bounded: what is said beside indicators never comes to rest')
  }

  #exchange(asker: number, asked: number): number {
    const [from, to] = [this.#notices[asked], this.#notices[asker]]
    if (from === undefined || to === undefined || to.node.directory.expelled.includes(asked)) return 0
    const page = from.pageFor(asker, to.cursorOf(asked), this.#stage.at)
    if (page === undefined) return 0
    this.#take(to, page, false)
    return page.upTo - page.after
  }

  #post(widening: ModelWidening): number {
    widening.giveUpOn(this.#stage.directory.expelled)
    widening.tick(this.#stage.at)
    const letters = widening.node.index === this.#stage.expelled ? [] : widening.letters()
    for (const letter of letters) this.#arrive(letter, true)
    return letters.length
  }

  /** What must hold in the end. */
  converged(): void {
    this.#found()
    for (const notices of this.#notices) this.#whereTheyMayBe(notices)
    this.#answered()
    this.#stage.at += 92 * 24 * hourMs
    this.#settle()
    this.#answered()
    for (const { node, requests } of this.#widening)
      for (const { id, state, sentTo } of requests.values())
        if (this.#honest.has(id) && sentTo !== undefined && state === 'open' && node.index !== this.#stage.expelled)
          throw new Broken('widening: a request never ends')
  }

  /** Who was told something that contradicts what another was told, or what it was told before, knows. */
  #found(): void {
    const deceiver = this.#deceiver === undefined ? undefined : this.#checkpoints[this.#deceiver]
    if (deceiver === undefined || this.#stage.expelled !== undefined) return
    const { index, test } = deceiver.node
    const asked = this.#stage.links.filter(([, of]) => of === index).map(([by]) => by)
    const twoFaced = deceiver.deceit === 'two-faced' && new Set(asked.map((peer) => peer % 2)).size === 2
    for (const peer of asked) {
      const { kept, found } = this.#checkpoints[peer] ?? { kept: [], found: new Map() }
      const had = kept.some(({ carried: { text } }) => this.#rewritten?.has(text) === true)
      if ((twoFaced || had) && !found.has(test.id))
        throw new Broken('checkpoints: what contradicts itself is not found')
    }
  }

  #whereTheyMayBe(all: ModelNotices): void {
    const { node, notices } = all
    all.tick(this.#stage.at)
    for (const { of, handling, known, origin } of notices.values()) {
      if (of === undefined || handling === undefined || !known.held || origin === node.test.id) continue
      if (!this.#mayHave(node, handling) || node.items.get(of)?.known.held !== true)
        throw new Broken('sightings: one is left where it may not be')
    }
    if (node.index !== this.#stage.expelled && node.index !== this.#liar) this.#spread(node, notices)
  }

  /** What was said at a node is at each of its peers that may have it. */
  #spread(node: ModelNode, notices: ReadonlyMap<string, Notice>): void {
    for (const [asker] of this.#stage.links.filter(([, asked]) => asked === node.index)) {
      const [there, has] = [this.#stage.nodes[asker], this.#notices[asker]?.notices]
      if (there === undefined || asker === this.#stage.expelled) continue
      for (const [key, { of, handling, known, origin }] of notices) {
        if (origin !== node.test.id || of === undefined || handling === undefined) continue
        const target = there.items.get(of)
        const both = [handling, handlingOf(node, of), target?.handling ?? undefined]
        const narrower = there.narrowed(handling)
        const may = [...both, narrower].every((each) => each !== undefined && this.#mayHave(there, each))
        // By the word of who takes it its reporter may not have it.
        if (!this.#mayReport(there, key.split(' ')[0], of, target?.handling)) continue
        if (!may || target?.known.held !== true || node.items.get(of)?.known.held !== true) continue
        if (has?.get(key)?.known.version !== known.version) throw new Broken('sightings: who may have one does not')
      }
    }
  }

  #mayReport(
    node: ModelNode,
    reporter: string | undefined,
    of: string,
    handling: Handling | null | undefined,
  ): boolean {
    const who = readersAt(node.directory).filter(({ organisation }) => organisation?.id === reporter)
    if (of.split(' ')[0] === reporter) return true
    return !!handling && allowed(who, handling, node.clock(this.#stage.at), node.directory)
  }

  /** What an originator said is known to who asked; and what was asked to nobody else. */
  #answered(): void {
    for (const { node, requests } of this.#widening) {
      for (const { id, reason, sentTo, receivedFrom, state } of requests.values()) {
        if (!this.#honest.has(id)) continue
        const there = this.#widening[sentTo ?? receivedFrom ?? -1]?.requests.get(id)
        if (!reason.startsWith('canary')) throw new Broken('widening: a request was altered')
        if (receivedFrom !== undefined && there?.sentTo !== node.index)
          throw new Broken('widening: a request is where it was not sent to')
        const gone = [node.index, sentTo, receivedFrom].includes(this.#stage.expelled)
        if (gone || sentTo === undefined || there === undefined) continue
        const told = there.state === state || (there.state === 'open' && state === 'lapsed')
        if (there.state !== 'open' && state !== 'withdrawn' && !told)
          throw new Broken('widening: an answer did not come back')
      }
    }
  }
}
