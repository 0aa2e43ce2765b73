import { createRequire } from 'node:module'
import { createConfig, lint } from '@redocly/openapi-core'
import t from 'tap'

/** Both contracts under the linters of others: what is found is mended, and the rules stay as they are. */

/** `graphql-schema-linter`, as far as it is used here. It has no types. */
interface SchemaLinter {
  readonly runner: {
    run(out: object, input: object, errors: object, argv: readonly string[]): Promise<number>
  }
}

/**
 * Left out: the rules that want alphabetical order (members stand in the order of the domain, which another test holds), and those that
 * want a sentence for each field, argument and word (a name that says it all has none).
 */
const schemaRules = [
  'defined-types-are-used',
  'deprecations-have-a-reason',
  'descriptions-are-capitalized',
  'enum-values-all-caps',
  'fields-are-camel-cased',
  'input-object-values-are-camel-cased',
  'relay-connection-arguments-spec',
  'relay-connection-types-spec',
  'relay-page-info-spec',
  'types-are-capitalized',
  'types-have-descriptions',
]

/** What Redocly says of openapi.yaml and is not so. The list is exact. */
const accepted: readonly string[] = [
  // it tells how to get what the operations call accessToken
  'no-unused-components #/components/securitySchemes/clientCredentials',
  // TAXII 2.1 writes its URLs so
  ...[
    ...[
      'taxii2',
      'taxii2/node',
      'taxii2/node/collections',
      'taxii2/node/status/{status}',
      'taxii2/node/collections/{collection}',
    ],
    ...['manifest', 'objects', 'objects/{object}', 'objects/{object}/versions'].map(
      (door) => `taxii2/node/collections/{collection}/${door}`,
    ),
  ].map((path) => `no-path-trailing-slash #/paths/${`/${path}/`.replaceAll('/', '~1')}`),
].sort()

t.test('schema.graphql is linted', async (t) => {
  const { runner } = createRequire(import.meta.url)('graphql-schema-linter') as SchemaLinter
  const lintSchema = async (file: string, rules: readonly string[]) => {
    const written: string[] = []
    const out = { write: (text: string) => written.push(text) > 0 }
    const argv = ['node', 'graphql-schema-linter', '--format', 'compact', '--rules', rules.join(','), file]
    return { code: await runner.run(out, process.stdin, out, argv), text: written.join('').trim() }
  }
  t.strictSame(await lintSchema('schema.graphql', schemaRules), { code: 0, text: '' })
  const strict = await lintSchema('schema.graphql', ['type-fields-sorted-alphabetically'])
  t.equal(strict.code, 1, 'what a rule does not like is found')
})

t.test('openapi.yaml is linted', async (t) => {
  const config = await createConfig({ extends: ['recommended'] })
  const problems = await lint({ ref: 'openapi.yaml', config })
  const found = problems.map(({ ruleId, location }) => `${ruleId} ${location[0]?.pointer}`)
  t.strictSame(found.sort(), accepted)
})
