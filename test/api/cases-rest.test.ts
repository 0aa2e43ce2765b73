// alone: it is long
import t from 'tap'
import { casesThroughDoors } from './case-doors.ts'

t.setTimeout(600_000)

t.test('every policy case through every door: the rest', (t) => casesThroughDoors(t, 1))
