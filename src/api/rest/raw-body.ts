import type { FastifyRequest } from 'fastify'

const bodies = new WeakMap<FastifyRequest, Buffer>()

/** Keeps the bytes of a body whose signature is checked over exactly them. */
export function keepRawBody(request: FastifyRequest, bytes: Buffer): void {
  if (request.url.startsWith('/federation/')) bodies.set(request, bytes)
}

export const rawBodyOf = (request: FastifyRequest): Buffer => bodies.get(request) ?? Buffer.alloc(0)
