// alone: it starts and kills processes
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { brazil, type Country, chile, mexico } from '../../src/cli/demo/federation/cast.ts'
import { columnsWith, doorsWith } from './canaries.ts'
import { type NodeProcess, threeProcesses } from './processes.ts'

/**
 * Three nodes as users run them, in three countries. What is published on both sides of a cut is on both sides soon after it heals; what a
 * node's organisations may not have is nowhere there; and whatever process dies, nothing is lost or there twice. FEDERATION_ITEMS are
 * published on each round, half on each side; FEDERATION_KILLS processes are killed.
 */
const items = Number(process.env.FEDERATION_ITEMS ?? 1_500)
const kills = Number(process.env.FEDERATION_KILLS ?? 3)
const limitSeconds = 60

t.setTimeout(1_800_000)

const nodes = await threeProcesses(t)
const node = (country: Country): NodeProcess => nodes.get(country) as NodeProcess
const [br, cl, mx] = [node(brazil), node(chile), node(mexico)]

/** Texts that nothing else holds: they stand in value, name, description and labels of what some node may not have. */
const canary = (of: string): string => `kanarien-${of}-7f3a`

/** For each: who publishes it, how, and where nobody may have it. */
const kinds = {
  clear: { tlp: 'clear', share: 2 },
  green: { tlp: 'green', share: 7 },
  'only-mexico': { tlp: 'amber+strict', audience: ['cert-mx'], share: 1 },
  'only-brazil': { tlp: 'amber+strict', audience: ['cert-br'], share: 1 },
  'at-home': { tlp: 'green', personalData: true, share: 1 },
} as const
type Kind = keyof typeof kinds

interface Published {
  readonly by: Country
  readonly kind: Kind
  readonly value: string
}
const published: Published[] = []

/** What a country publishes in a round: of every kind its share. */
function recordsOf(by: Country, round: string, count: number): Published[] {
  const order = Object.entries(kinds).flatMap(([kind, { share }]) => Array.from({ length: share }, () => kind as Kind))
  const home = by.team.jurisdiction.toLowerCase()
  return Array.from({ length: count }, (_, n) => {
    const kind = order[n % order.length] ?? 'clear'
    return { by, kind, value: `n${n}.${round}.${canary(`${home}-${kind}`)}.example` }
  })
}

const batch = 500

/** Publishes until it is acknowledged, whoever is killed meanwhile: what is there already is found unchanged. */
async function publish(by: Country, round: string, count: number): Promise<void> {
  const records = recordsOf(by, round, count)
  published.push(...records)
  const { url, personKey } = node(by).enrolled
  for (let at = 0; at < records.length; at += batch) {
    const lines = records.slice(at, at + batch).map(({ kind, value }) => {
      const { share: _, ...handling } = kinds[kind]
      const [, , label = ''] = value.split('.')
      return JSON.stringify({
        type: 'domain-name',
        value,
        name: label,
        description: label,
        labels: [label],
        ...handling,
      })
    })
    for (let told = false; !told; ) {
      const answer = await fetch(`${url}/v1/indicators`, {
        method: 'POST',
        headers: { authorization: `Bearer ${personKey}`, 'content-type': 'application/x-ndjson' },
        body: lines.join('\n'),
      })
        .then(async (each) => ({ status: each.status, text: await each.text() }))
        .catch(() => undefined)
      if (answer !== undefined && answer.status < 500 && !answer.text.includes('"rejected":[]'))
        throw new Error(answer.text)
      told = answer?.status === 200
      if (!told) await sleep(200)
    }
  }
}

/** Whether a country may have what another published: as the agreements and audiences say. */
function mayHave(here: Country, { by, kind }: Published): boolean {
  if (here === by || kind === 'clear') return true
  if (kind === 'green') return here === chile || by === chile
  return by === chile && kind === (here === mexico ? 'only-mexico' : 'only-brazil')
}

const wanted = (here: Country, by: Country): number =>
  published.filter((each) => each.by === by && mayHave(here, each)).length

const holds = (here: Country, by: Country): Promise<number> =>
  node(here).number('select count(*) from indicator where originator = $1', by.team.id)

const pairs = [brazil, chile, mexico].flatMap((here) => [brazil, chile, mexico].map((by) => ({ here, by })))

/** @returns seconds until everybody holds what it may have */
async function converged(mostSeconds: number): Promise<number> {
  const began = performance.now()
  for (const { here, by } of pairs) {
    for (let held = -1; held !== wanted(here, by); await sleep(100)) {
      held = await holds(here, by)
      const seconds = (performance.now() - began) / 1_000
      if (seconds > mostSeconds)
        throw new Error(`after ${seconds} s ${here.name} holds ${held} of ${wanted(here, by)} of ${by.name}`)
    }
  }
  return (performance.now() - began) / 1_000
}

function cut(a: NodeProcess, b: NodeProcess): void {
  a.enrolled.wayIn.cut(b.enrolled.thumbprints)
  b.enrolled.wayIn.cut(a.enrolled.thumbprints)
}

t.test('what is published on both sides of a cut is on both sides within a minute of healing', async (t) => {
  cut(br, cl)
  cut(br, mx)
  await Promise.all([publish(brazil, 'cut', items / 2), publish(chile, 'cut', items / 2)])
  t.equal(await holds(chile, brazil), 0, 'nothing passes')
  t.equal(await holds(brazil, chile), 0)
  for (const { enrolled } of nodes.values()) enrolled.wayIn.heal()
  const seconds = await converged(10 * limitSeconds)
  t.comment(`${items} items, half on each side: everybody has theirs ${seconds.toFixed(1)} s after healing`)
  t.ok(seconds <= limitSeconds, `${seconds.toFixed(1)} s`)
})

t.test('kill -9 of whichever process loses and repeats nothing', async (t) => {
  await publish(mexico, 'kills', items / 10)
  const killing = (async () => {
    const all = [...nodes.values()]
    for (let n = 0; n < kills; n++) {
      await sleep(Math.random() * 3_000)
      await all[n % all.length]?.killAndStart()
    }
  })()
  await Promise.all([publish(brazil, 'kills', items / 2), publish(chile, 'kills', items / 2), killing])
  await converged(10 * limitSeconds)
  for (const { here, by } of pairs) {
    const what = `${by.name} in ${here.name}`
    const { team } = by
    const { rows } = await node(here).database.query<{ value: string }>(
      'select value from indicator where originator = $1 order by value collate "C"',
      [team.id],
    )
    const values = published.filter((each) => each.by === by && mayHave(here, each)).map(({ value }) => value)
    t.same(
      rows.map(({ value }) => value),
      values.sort(),
      `${what}: neither less nor more`,
    )
    t.equal(await node(here).number('select count(*) from feed where originator = $1', team.id), values.length, what)
    t.equal(await node(here).number(distinctEntries, team.id), values.length, `${what}: each once in the feed`)
  }
})

const distinctEntries = 'select count(distinct stix_id) from feed where originator = $1 and version = 1'

t.test('cursors say what is stored, and nothing comes again', async (t) => {
  for (const [here, of] of nodes) {
    const { enrolled } = of
    const aside =
      'select code, detail, originator, peer, count(*)::integer as items from quarantine group by 1, 2, 3, 4'
    t.same((await of.database.query(aside)).rows, [], `${here.name}: nothing was set aside`)
    for (const there of nodes.values()) {
      if (there === of) continue
      const admin = { headers: { authorization: `Bearer ${enrolled.adminKey}` } }
      const state = async () => {
        const answer = await fetch(`${enrolled.url}/v1/peers/${there.enrolled.nodeId}`, admin)
        return (await answer.json()) as { giving: { unconfirmed: number }; taking: { more: boolean } }
      }
      for (let looks = 0; (await state()).giving.unconfirmed > 0 && looks < 600; looks++) await sleep(100)
      t.match(await state(), { giving: { unconfirmed: 0 }, taking: { more: false } })
      const counted = 'select outcome, code, items from peer_count where peer = $1 order by 1, 2'
      const outcomes = async () => (await of.database.query(counted, [there.enrolled.nodeId])).rows
      const pull = async () => {
        const answer = await fetch(`${enrolled.url}/v1/peers/${there.enrolled.nodeId}/pull`, {
          method: 'POST',
          ...admin,
        })
        return (await answer.json()) as { entries: number; more: boolean }
      }
      // What came by the one neighbour is offered by the other, too, and may be on its way still; it is known then, and taken once.
      const rows = 'select count(*)::integer as rows from feed'
      const fed = (await of.database.query(rows)).rows
      let last = await pull()
      for (let asked = 0; (last.more || last.entries > 0) && asked < 50; asked++) last = await pull()
      t.same((await of.database.query(rows)).rows, fed, `${here.name} took nothing twice`)
      const before = await outcomes()
      t.match(await pull(), { entries: 0, more: false }, `${here.name} asks again, and there is nothing`)
      t.same(await outcomes(), before, `${here.name} has counted nothing more of ${there.enrolled.country.name}`)
    }
  }
})

t.test('what a node may not have is in no column of its tables, and in no answer', async (t) => {
  for (const [here, of] of nodes) {
    const [may, mayNot] = [true, false].map((can) => [
      ...new Set(published.filter((each) => mayHave(here, each) === can).map(({ value }) => value.split('.')[2] ?? '')),
    ])
    t.ok(mayNot?.length, `${here.name} may not have ${mayNot}`)
    t.same(await columnsWith(of, mayNot ?? []), [], here.name)
    t.same(await doorsWith(of.enrolled, mayNot ?? []), [], here.name)
    const columns = await columnsWith(of, may ?? [])
    for (const column of ['indicator.value', 'indicator.stix', 'envelope.body'])
      t.ok(columns.includes(column), `what is there is found in ${column}`)
    const answers = await doorsWith(of.enrolled, may ?? [])
    for (const door of ['/v1/indicators', '/v1/feed', '/graphql']) t.ok(answers.includes(door), `and in ${door}`)
  }
})
