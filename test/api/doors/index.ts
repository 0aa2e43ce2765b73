import { indicatorsDoors } from './indicators.ts'
import { liveDoors } from './live.ts'
import { mispDoors } from './misp.ts'
import { objectsDoors } from './objects.ts'
import type { Doors } from './seen.ts'
import { tellingDoors } from './telling.ts'

export type { Planted, Seen } from './seen.ts'

/** Every door at which an indicator, or what is said of it, can be met. */
export const doors: Doors = { ...indicatorsDoors, ...mispDoors, ...tellingDoors, ...liveDoors, ...objectsDoors }
