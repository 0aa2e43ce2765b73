import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'

// Nothing is dropped, filled in or converted in bodies: what does not fit the contract is refused.
const strict = { removeAdditional: false, useDefaults: false, allErrors: false, strict: false } as const
const bodies = new Ajv2020({ ...strict, coerceTypes: false })
// Parameters are text on the wire: numbers must be read from it.
const parameters = new Ajv2020({ ...strict, coerceTypes: true })
formats.default(bodies, ['date-time', 'uuid'])
formats.default(parameters, ['date-time', 'uuid'])

type Compile = (schema: unknown) => (data: unknown) => boolean

export const compileBody: Compile = (schema) => bodies.compile(schema as object)
export const compileParameters: Compile = (schema) => parameters.compile(schema as object)
