import { createServer } from 'node:net'
import { type Listening, listeningAt } from './config-values.ts'

/** Where a node will listen: known before anything that names it is made. */
export interface HeldPort<C> {
  /** With the real port, also in the URL that the node names itself by, unless it was told another. */
  readonly config: C
  /** Lets the port go, for who is to listen there at once. May be called again. */
  free(): Promise<void>
}

/**
 * Chooses the port where none is given (0), or where the one that is given may be another and is taken, and keeps it until it is freed.
 * Another port is left for whoever listens to find taken.
 */
export async function holdPort<C extends Listening>(
  config: C,
  otherwise: 'only this port' | 'or a free one',
): Promise<HeldPort<C>> {
  const { host, port } = config
  if (port !== 0 && otherwise === 'only this port') return { config, free: async () => {} }
  const holder = createServer()
  const hold = (wanted: number) =>
    new Promise<void>((resolve, reject) => {
      holder.once('error', reject)
      holder.listen({ host, port: wanted }, () => {
        holder.off('error', reject)
        resolve()
      })
    })
  await hold(port).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE' || port === 0) throw cannotListen(config, error)
    holder.removeAllListeners('error')
    return hold(0)
  })
  const address = holder.address()
  if (typeof address !== 'object' || address === null) throw new Error('a port that is held has no number')
  let freed: Promise<void> | undefined
  const free = () => {
    freed ??= new Promise((resolve) => holder.close(() => resolve()))
    return freed
  }
  return { config: listeningAt(config, host, address.port), free }
}

/** What to do about it, where that is known. */
export function cannotListen({ host, port }: Listening, error: NodeJS.ErrnoException): Error {
  const { code } = error
  if (code !== 'EADDRINUSE' && code !== 'EACCES' && code !== 'EADDRNOTAVAIL') return error
  const why = code === 'EADDRINUSE' ? 'is taken' : 'may not be used here'
  return new Error(`${host}:${port} ${why}: choose another with PUENTE_HOST and PUENTE_PORT`, { cause: error })
}
