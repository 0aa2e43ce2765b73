import { type GraphQLScalarType, type GraphQLSchema, isObjectType, isScalarType } from 'graphql'
import type { Organisation } from '../../domain/organisation.ts'
import type { Asked } from './asked.ts'
import { loaders } from './loaders.ts'
import { resolvers } from './resolvers.ts'
import { readSchema } from './schema.ts'

type Resolve = (source: never, args: never, asked: never) => unknown

/**
 * The contract with its resolvers, for subscriptions: what mercurius makes of it for HTTP. Its loaders gather over one HTTP answer; here they
 * are asked for one thing at a time.
 */
export function executableSchema(): GraphQLSchema {
  const schema = readSchema()
  for (const [name, fields] of Object.entries(resolvers)) {
    const type = schema.getType(name)
    if (isScalarType(type)) bind(type, fields)
    if (!isObjectType(type)) continue
    for (const [field, resolve] of Object.entries(fields as Record<string, Resolve | { subscribe: Resolve }>)) {
      const target = type.getFields()[field]
      if (target === undefined) continue
      if (typeof resolve === 'function') target.resolve = resolve as typeof target.resolve & Resolve
      else target.subscribe = resolve.subscribe as typeof target.subscribe & Resolve
    }
  }
  const organisation = schema.getType('Organisation')
  if (!isObjectType(organisation)) throw new Error('the contract has no organisations')
  for (const [field, { loader }] of Object.entries(loaders.Organisation)) {
    const target = organisation.getFields()[field]
    if (target !== undefined)
      target.resolve = (obj: Organisation, _args, asked: Asked) => one<unknown>(loader([{ obj }], asked))
  }
  return schema
}

function bind(type: GraphQLScalarType, functions: object): void {
  Object.assign(type, functions)
}

async function one<T>(answers: Promise<readonly (T | Error)[]>): Promise<T> {
  const [answer] = await answers
  if (answer instanceof Error) throw answer
  return answer as T
}
