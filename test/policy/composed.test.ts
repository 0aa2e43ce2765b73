import t from 'tap'
import { composedTypes, referencesIn } from '../../src/domain/stix-object.ts'
import { markingOfTlp } from '../../src/domain/tlp.ts'
import { partsAsked, partsOf } from '../../src/policy/composed.ts'
import { pruned } from '../../src/policy/release-object.ts'

const id = (type: string, n: number): string => `${type}--${String(n).padStart(8, '0')}-0000-4000-8000-000000000000`

t.test('what an object needs, and what it is about', async (t) => {
  const [a, b] = [id('malware', 1), id('tool', 1)]
  const cases: readonly (readonly [object, readonly string[], readonly string[]])[] = [
    [{ type: 'relationship', source_ref: a, target_ref: b, created_by_ref: id('identity', 1) }, [a, b], []],
    [{ type: 'relationship', source_ref: a, target_ref: a }, [a], []],
    [{ type: 'sighting', sighting_of_ref: a, where_sighted_refs: [id('identity', 1)] }, [a], []],
    [{ type: 'report', object_refs: [a, b, a] }, [], [a, b]],
    [{ type: 'note', object_refs: [id('relationship', 1), a] }, [], [a, id('relationship', 1)]],
    [{ type: 'observed-data', object_refs: [a] }, [], [a]],
    [{ type: 'observed-data', objects: {} }, [], []],
    [{ type: 'network-traffic', src_ref: a, dst_ref: b, protocols: ['tcp'] }, [], [a, b]],
    [{ type: 'malware-analysis', analysis_sco_refs: [a] }, [], [a]],
    [{ type: 'malware-analysis', analysis_sco_refs: [a], result: 'benign' }, [], []],
    [{ type: 'process', image_ref: a }, [], [a]],
    [{ type: 'process', image_ref: a, pid: 1 }, [], []],
    [{ type: 'malware', sample_refs: [b] }, [], []],
    [{ type: 'extension-definition', created_by_ref: id('identity', 1) }, [id('identity', 1)], []],
  ]
  for (const [object, needs, about] of cases) {
    const parts = partsOf(object as Record<string, unknown>)
    t.same([parts.needs, parts.about], [needs, about], JSON.stringify(object))
    const { type } = object as { type: string }
    if (needs.length + about.length > 0) t.ok(composedTypes.has(type), `${type} is read after what it is made of`)
  }
  const many = Array.from({ length: 1_000 }, (_, n) => id('malware', n))
  t.equal(partsOf({ type: 'report', object_refs: many }).about.length, partsAsked, 'bounded')
})

t.test('references are found at whatever depth; labels of TLP and markings of parts are none', async (t) => {
  const object = {
    type: 'file',
    id: id('file', 1),
    created_by_ref: id('identity', 1),
    object_marking_refs: [markingOfTlp.green, id('marking-definition', 1)],
    granular_markings: [{ marking_ref: id('marking-definition', 2), selectors: ['name'] }],
    extensions: { 'archive-ext': { contains_refs: [id('file', 2)] } },
    x_related_ref: 'free text',
    name: id('file', 3),
  }
  t.same(referencesIn(object), [id('identity', 1), id('marking-definition', 1), id('file', 2)])
})

t.test('what is not visible is cut out, and everything else keeps its spelling', async (t) => {
  const [seen, hidden] = [id('malware', 1), id('malware', 2)]
  const visible = new Set([seen])
  const cut = (members: string): string => pruned(`{"type":"x",${members},"n":1.0e2}`, visible)
  const cases: readonly (readonly [string, string])[] = [
    [`"object_refs":["${hidden}","${seen}"]`, `"object_refs":["${seen}"]`],
    [`"object_refs":["${hidden}"]`, ''],
    [`"created_by_ref":"${hidden}"`, ''],
    [`"created_by_ref":"${seen}"`, `"created_by_ref":"${seen}"`],
    [`"object_marking_refs":["${markingOfTlp.green}","${hidden}"]`, `"object_marking_refs":["${markingOfTlp.green}"]`],
    [`"name":"${hidden}"`, `"name":"${hidden}"`],
    [`"extensions":{"archive-ext":{"contains_refs":["${hidden}"],"comment":"x"}}`, ''],
    [`"extensions":{"a-ext":{"x_ref":"${hidden}","y":1}}`, `"extensions":{"a-ext":{"y":1}}`],
    [
      `"body_multipart":[{"body_raw_ref":"${hidden}","content_type":"x"},{"body":"y"}]`,
      '"body_multipart":[{"body":"y"}]',
    ],
    [`"note":"\\u00e9 ${'--'}"`, `"note":"\\u00e9 ${'--'}"`],
  ]
  for (const [before, after] of cases) t.equal(cut(before), `{"type":"x",${after === '' ? '' : `${after},`}"n":1.0e2}`)
  const languages =
    '"granular_markings":[{"lang":"es","selectors":["object_refs.[1]"]},{"lang":"fr","selectors":["name"]}]'
  t.equal(
    cut(`"object_refs":["${hidden}","${seen}"],${languages}`),
    `{"type":"x","object_refs":["${seen}"],"granular_markings":[{"lang":"fr","selectors":["name"]}],"n":1.0e2}`,
    'and what described a part that is cut goes with it',
  )
})
