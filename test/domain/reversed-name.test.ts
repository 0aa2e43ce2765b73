import fc from 'fast-check'
import t from 'tap'
import { reversedName } from '../../src/domain/observables/reversed-name.ts'

t.test('the labels of a name stand the other way round', (t) => {
  t.equal(reversedName('www.example.com'), 'com.example.www')
  t.equal(reversedName('localhost'), 'localhost')
  fc.assert(
    fc.property(fc.array(fc.constantFrom('', 'a', 'xn--b', 'example')), (labels) => {
      t.equal(reversedName(labels.join('.')), [...labels].reverse().join('.'))
    }),
  )
  t.end()
})
