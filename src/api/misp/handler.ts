import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Context } from '../../actions/index.ts'

/** What answers one operation of the contract. */
export type Handler = (context: Context, request: FastifyRequest, reply: FastifyReply) => Promise<unknown>
