import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { buildSchema, type GraphQLSchema, isEnumType, isIntrospectionType } from 'graphql'
import { speakDomain } from './vocabulary.ts'

/**
 * The contract as it stands in `schema.graphql` at the root of the package, its enumerations bound to the words of the domain.
 * @throws when it is not there, is not valid, or speaks other words
 */
export function readSchema(): GraphQLSchema {
  const schema = buildSchema(readFileSync(fileAbove(import.meta.dirname, 'schema.graphql'), 'utf8'))
  for (const type of Object.values(schema.getTypeMap())) {
    if (isEnumType(type) && !isIntrospectionType(type)) speakDomain(type)
  }
  return schema
}

/** The nearest file of this name from a folder upwards: the sources and what is built of them lie at different depths. */
function fileAbove(folder: string, name: string): string {
  const file = join(folder, name)
  if (existsSync(file)) return file
  const above = dirname(folder)
  if (above === folder) throw new Error(`${name} is missing`)
  return fileAbove(above, name)
}
