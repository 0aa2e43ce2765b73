import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { buildASTSchema, type DocumentNode, type GraphQLSchema, isEnumType, isIntrospectionType, parse } from 'graphql'
import { speakDomain } from './vocabulary.ts'

/** What `schema.graphql` says, once it was read; a schema was made of it then, so it is valid. */
let contract: DocumentNode | undefined

/**
 * The contract as it stands in `schema.graphql` at the root of the package, its enumerations bound to the words of the domain. It is
 * read and validated once a process; each call makes another schema of it.
 * @throws when it is not there, is not valid, or speaks other words
 */
export function readSchema(): GraphQLSchema {
  const document = contract ?? parse(readFileSync(fileAbove(import.meta.dirname, 'schema.graphql'), 'utf8'))
  const schema = buildASTSchema(document, { assumeValidSDL: contract !== undefined })
  contract = document
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
