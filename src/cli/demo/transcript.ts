import { approving, type Case, exporting, filing, takingBack, withheld } from './scenes-case.ts'
import { clients, masking, narrowing, police, recalling } from './scenes-limits.ts'
import { absence, lookingUp, publishing, seeing } from './scenes-sharing.ts'
import { NotAsTold, type Stage } from './stage.ts'

/** How one step went. */
export interface StepResult {
  readonly step: string
  /** Absent when every statement of the step held. */
  readonly failure?: string
}

/** The main job, told step by step; each statement is asserted. A step that fails ends it. */
export async function playTranscript(stage: Stage): Promise<StepResult[]> {
  let subject = ''
  const steps: readonly Step[] = [
    [
      'A national CERT publishes',
      async () => {
        subject = await publishing(stage)
      },
    ],
    ['What each partner sees of the AMBER one, and why', () => seeing(stage, subject)],
    ['Who may not see it cannot tell that it exists', () => absence(stage, subject)],
    ['A look-up tells each reader what it may know', () => lookingUp(stage)],
    ['AMBER reaches a client, AMBER+STRICT does not', () => clients(stage)],
    ['Personal data is masked where no agreement covers it', () => masking(stage)],
    ['Law enforcement reads what it was let have', () => police(stage)],
    ['The originator narrows', () => narrowing(stage, subject)],
    ['The originator recalls', () => recalling(stage, subject)],
  ]
  return await playSteps(stage, steps)
}

/** A case of law enforcement, from the request to the claw-back. */
export async function playCase(stage: Stage): Promise<StepResult[]> {
  const it: Case = { request: '', indicators: [], bytes: new Uint8Array(0) }
  return await playSteps(stage, [
    ['What is on request, police do not read', () => withheld(stage, it)],
    ['A liaison files a legal request', () => filing(stage, it)],
    ['Two people approve it', () => approving(stage, it)],
    ['The package, checked offline', () => exporting(stage, it)],
    ['The originator sees it, and takes it back', () => takingBack(stage, it)],
  ])
}

/** What is played, under its name. */
export type Step = readonly [name: string, play: () => Promise<void>]

/** Plays steps until one fails. */
export async function playSteps({ narrator }: Pick<Stage, 'narrator'>, steps: readonly Step[]): Promise<StepResult[]> {
  const results: StepResult[] = []
  for (const [i, [step, play]] of steps.entries()) {
    narrator.heading(`${i + 1}. ${step}`)
    try {
      await play()
      results.push({ step })
    } catch (error) {
      const failure = error instanceof NotAsTold ? `this does not hold: ${error.message}` : String(error)
      results.push({ step, failure })
      break
    }
  }
  return results
}
