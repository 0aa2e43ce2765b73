import type { FastifyRequest } from 'fastify'
import { Fault } from '../../domain/errors.ts'
import { asList, type Query } from './query.ts'

/**
 * The words of `?include=`: members that an answer has only when they are asked for.
 * @throws {Fault} `invalid_request` for a word that this door does not know
 */
export function include<Word extends string>(request: FastifyRequest, allowed: readonly Word[]): ReadonlySet<Word> {
  const said = asList((request.query as Query).include) ?? []
  const known = said.map((word) => allowed.find((each) => each === word))
  if (known.includes(undefined)) {
    throw new Fault('invalid_request', `"include" takes: ${allowed.join(', ')}.`, { position: { pointer: '/include' } })
  }
  return new Set(known as Word[])
}
