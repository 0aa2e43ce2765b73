import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { isWholeNumber } from '../whole-number.ts'

// Nothing is dropped, filled in or converted in bodies: what does not fit the contract is refused.
const strict = { removeAdditional: false, useDefaults: false, allErrors: false, strict: false } as const
// Schemas are not looked through at each start: the linter holds them (`test/house/lint.test.ts`).
const asTheyAre = { meta: false, validateSchema: false } as const
const bodies = new Ajv2020({ ...strict, ...asTheyAre, coerceTypes: false })
// Parameters are text on the wire: numbers must be read from it.
const parameters = new Ajv2020({ ...strict, ...asTheyAre, coerceTypes: true })
for (const compiler of [bodies, parameters]) {
  formats.default(compiler, ['date-time'])
  // The package takes `urn:uuid:…` too, which the database does not.
  compiler.addFormat('uuid', /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i)
}

/** As fastify wants it: what did not fit stands in `errors`. */
interface Validate {
  (data: unknown): boolean
  errors?: ErrorObject[] | null
}

export const compileBody = (schema: unknown): Validate => whenAsked(bodies, schema)

/** Numbers in parameters are {@link isWholeNumber whole}; the compiler would read them from more texts than that. */
export function compileParameters(schema: unknown): Validate {
  const fits = whenAsked(parameters, schema)
  const { properties = {} } = schema as { readonly properties?: Readonly<Record<string, unknown>> }
  const numbers = Object.keys(properties).filter((name) => JSON.stringify(properties[name]).includes('"integer"'))
  const validate: Validate = (data) => {
    const given = data as Readonly<Record<string, unknown>>
    const loose = numbers.find((name) => [given[name] ?? []].flat().some((text) => !isWholeNumber(String(text))))
    const accepted = loose === undefined && fits(data)
    validate.errors = loose === undefined ? (fits.errors ?? null) : [notWhole(loose)]
    return accepted
  }
  return validate
}

const notWhole = (name: string): ErrorObject => ({
  ...{ instancePath: `/${name}`, schemaPath: '#', keyword: 'type', params: { type: 'integer' } },
  message: 'must be a whole number',
})

/** Compiles when it is first asked: of hundreds of schemas, which take most of a second, few are. */
function whenAsked(compiler: Ajv2020, schema: unknown): Validate {
  let compiled: ValidateFunction | undefined
  const validate: Validate = (data) => {
    compiled ??= compiler.compile(schema as object)
    const fits = compiled(data)
    validate.errors = compiled.errors ?? null
    return fits
  }
  return validate
}
