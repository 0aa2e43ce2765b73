import type { FastifyInstance } from 'fastify'
import { type DocumentNode, Kind } from 'graphql'
import type { MercuriusContext } from 'mercurius'
import { Fault } from '../../domain/errors.ts'
import { limits } from '../../domain/limits.ts'
import { admit } from './admission.ts'
import type { Asked } from './asked.ts'
import { costOf } from './cost.ts'

/** What every document passes before a resolver runs: its form before it is validated, its cost once its variables are known. */
export function guard(door: FastifyInstance): void {
  door.graphql.addHook('preValidation', async (_schema, document) => admit(document))
  door.graphql.addHook('preExecution', async (schema, document, context, variables) => {
    checkName(document, context as MercuriusContext & Asked)
    const cost = costOf(schema, document, variables ?? {})
    if (cost > limits.graphqlCost) {
      throw new Fault('query_too_costly', `A request costs at most ${limits.graphqlCost}; this one ${cost}.`)
    }
  })
}

/** Since a document has one operation, a name is only ever a mistake or that operation's. */
function checkName(document: DocumentNode, { operationName }: Asked): void {
  const operation = document.definitions.find((each) => each.kind === Kind.OPERATION_DEFINITION)
  if (operationName !== undefined && operation?.name?.value !== operationName) {
    throw new Fault('invalid_request', 'The document has no operation of that name.')
  }
}
