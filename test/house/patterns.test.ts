import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { callsIn } from './calls.ts'

/** `t.match` takes an array in its pattern for the beginning of one: `[]` matches whatever is in it, and so holds nothing. */

t.test('calls are told apart, whatever they hold', (t) => {
  const text = "is.like(f(a, ')'), { b: /[)(]/, c: [] }, `(`)\n  is.like(x, y)"
  t.strictSame(callsIn(text, 'is.like('), [
    { line: 1, arguments: ["f(a, '')", " { b: '', c: [] }", " ''"] },
    { line: 2, arguments: ['x', ' y'] },
  ])
  t.end()
})

t.test('no pattern has an empty array: { length: 0 } is one', (t) => {
  const files = readdirSync('test', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  const found = files.flatMap((file) =>
    callsIn(readFileSync(join('test', file), 'utf8'), 't.match(').flatMap(({ line, arguments: [, pattern = ''] }) =>
      pattern.includes('[]') ? [`test/${file}:${line}`] : [],
    ),
  )
  t.ok(files.length > 100)
  t.strictSame(found, [])
  t.end()
})
