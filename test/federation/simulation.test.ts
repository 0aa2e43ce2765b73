// alone: it is long, and measures memory
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { Breakage } from './model-node.ts'
import { Broken, type RunTold, simulate } from './simulation.ts'

/**
 * Nodes through partitions of one and of both directions, answers that come twice, late or never, crashes, clocks up to an hour off,
 * and a directory of which each hears at its own time. `SIMULATION_SEED` replays one run; `SIMULATION_RUNS` says how many.
 */
const { SIMULATION_SEED: alone, SIMULATION_RUNS: runs = '1000', SIMULATION_BREAKAGE: left } = process.env

// Twenty seconds of work; a busy machine takes longer.
t.setTimeout(600_000)

/** What a run broke, or undefined. */
async function brokenBy(seed: number, breakage?: Breakage): Promise<string | undefined> {
  try {
    await simulate(seed, breakage)
    return undefined
  } catch (error) {
    if (error instanceof Broken) return error.message
    throw error
  }
}

const replay = (seed: number, message: string) => `${message}: replay with SIMULATION_SEED=${seed}`

if (alone !== undefined) {
  t.test('the run of this seed', async (t) => {
    const broken = await brokenBy(Number(alone), left as Breakage | undefined)
    t.equal(broken, undefined, broken === undefined ? '' : replay(Number(alone), broken))
  })
} else {
  t.test(
    'whatever happens: confidential, converged, recalls win, markings never loosen, feeds are whole, all is bounded',
    async (t) => {
      t.setTimeout(600_000)
      const told: RunTold[] = []
      for (let seed = 1; seed <= Number(runs); seed++) {
        try {
          told.push(await simulate(seed))
        } catch (error) {
          if (!(error instanceof Broken)) throw error
          t.fail(replay(seed, error.message))
        }
      }
      const sum = (count: (run: RunTold) => number) => told.reduce((total, run) => total + count(run), 0)
      t.comment(
        `${told.length} runs, ${sum(({ written }) => written)} written, ${sum(({ delivered }) => delivered)} delivered`,
      )
      t.strictSame([...new Set(told.map(({ nodes }) => nodes))].sort(), [3, 4, 5, 6, 7])
      // A simulation in which nothing goes wrong shows nothing.
      for (const each of [
        'applied',
        'narrowed',
        'known',
        'destination',
        'version_outdated',
        'recalled',
        'issued_in_future',
        'node_expelled',
        'applied sighting',
        'narrowed sighting',
        'notice target_unknown',
        'notice destination',
        'notice originator_not_homed',
        'applied membership',
        'notice community_not_kept',
        'notice version_outdated',
        'applied checkpoint',
        'widening request taken',
        'widening answer taken',
        'widening unknown',
        'widening asker_not_homed',
      ]) {
        t.ok(sum(({ verdicts }) => verdicts.get(each) ?? 0) > 0, `${each} came about`)
      }
    },
  )

  // Without a guard some seed fails, and fails again when it is run alone. The number is where to begin looking.
  const guards: Readonly<Record<Breakage, readonly [from: number, broken: RegExp]>> = {
    'cursor-first': [1, /^(converged|recall wins)/],
    'no-destination': [1, /^confidential/],
    revival: [1, /^(recall wins|feed: a version went back)/],
    'no-withdrawal': [1, /^converged: it is where it may not be/],
    'no-reoffer': [340, /^converged: who may have it does not/],
    widening: [1, /^marking never loosens/],
    'no-target': [2, /^sightings: /],
    'any-keeper': [18, /^departures: another than the keeper/],
    'old-departures': [10, /^departures: an earlier one/],
    'no-proofs': [40, /^checkpoints: what contradicts itself is not found/],
    'no-gossip': [24, /^checkpoints: what contradicts itself is not found/],
    'any-asker': [6, /^widening: (somebody asks in another’s name|something was asked for)/],
    'any-answer': [32, /^widening: an answer was taken/],
  }

  for (const [breakage, [from, expected]] of Object.entries(guards) as [Breakage, readonly [number, RegExp]][]) {
    t.test(`a run fails without a guard: ${breakage}`, async (t) => {
      for (let seed = from; seed < from + 100; seed++) {
        const broken = await brokenBy(seed, breakage)
        if (broken === undefined) continue
        t.match(broken, expected)
        t.equal(await brokenBy(seed, breakage), broken, 'the same again')
        t.equal(await brokenBy(seed), undefined, 'and with the guard it holds')
        return
      }
      t.fail('no seed noticed')
    })
  }

  t.test('a failing seed is named, and replays alone', async (t) => {
    const env = { ...process.env, SIMULATION_SEED: '2', SIMULATION_BREAKAGE: 'widening' }
    const { status, stdout } = spawnSync(process.execPath, [fileURLToPath(import.meta.url)], { env, encoding: 'utf8' })
    t.not(status, 0)
    t.match(stdout, /marking never loosens.*replay with SIMULATION_SEED=2/)
  })
}
