import type { FastifyInstance } from 'fastify'
import { type DocumentNode, type GraphQLSchema, Kind } from 'graphql'
import type { MercuriusContext } from 'mercurius'
import { Fault } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import { admit } from './admission.ts'
import type { Asked } from './asked.ts'
import { costOf } from './cost.ts'

/** What every document passes before a resolver runs: its form before it is validated, its cost once its variables are known. */
export function guard(door: FastifyInstance): void {
  door.graphql.addHook('preValidation', async (_schema, document) => admit(document, 'http'))
  door.graphql.addHook('preExecution', async (schema, document, context, variables) => {
    const { operationName } = context as MercuriusContext & Asked
    checkRun(schema, document, operationName, variables ?? {})
  })
}

/** What is asked of a valid document once its variables are known. @throws {Fault} `invalid_request`, `query_too_costly` */
export function checkRun(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | undefined,
  variables: Record<string, unknown>,
): void {
  checkName(document, operationName)
  const cost = costOf(schema, document, variables)
  if (cost > limits.graphqlCost) {
    throw new Fault('query_too_costly', `A request costs at most ${limits.graphqlCost}; this one ${cost}.`)
  }
}

/** Since a document has one operation, a name is only ever a mistake or that operation's. */
function checkName(document: DocumentNode, operationName: string | undefined): void {
  const operation = document.definitions.find((each) => each.kind === Kind.OPERATION_DEFINITION)
  if (operationName !== undefined && operation?.name?.value !== operationName) {
    throw new Fault('invalid_request', 'The document has no operation of that name.')
  }
}
