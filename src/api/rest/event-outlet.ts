import type { Socket } from 'node:net'
import { Fault } from '../../domain/errors.ts'
import type { Guards } from '../guards.ts'

/** Written at once: of what is larger, each piece must be taken in time. */
const pieceBytes = 65_536

const heartbeat = Buffer.from(':\n\n')

/**
 * Where events leave: a socket with a reader that must take what it is sent. What waits in memory for it is one page at most; a reader
 * that takes nothing of it for `streamStallMs` is too slow.
 */
export class Outlet {
  readonly #socket: Socket
  readonly #guards: Pick<Guards, 'streamStallMs' | 'lingerMs'>

  constructor(socket: Socket, guards: Pick<Guards, 'streamStallMs' | 'lingerMs'>) {
    this.#socket = socket
    this.#guards = guards
  }

  /** Resolves when more may be written. @throws {Fault} `consumer_too_slow`; `request_incomplete` when the connection is lost */
  async write(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      if (this.#socket.destroyed) throw gone()
      if (!this.#socket.write(bytes.subarray(at, at + pieceBytes))) await this.#drained()
    }
  }

  /** A comment, where nothing waits; what waits must be taken. @param tooSlow told when it is not */
  beat(tooSlow: (fault: Fault) => void): void {
    const socket = this.#socket
    if (socket.destroyed || socket.writableEnded) return
    if (socket.writableLength === 0) socket.write(heartbeat)
    else if (!socket.writableNeedDrain) this.#flushed().catch(tooSlow)
  }

  /** The last words; who does not take them either is not waited for. */
  end(text: string): void {
    const socket = this.#socket
    if (socket.destroyed) return
    socket.end(text)
    const timer = setTimeout(() => socket.destroy(), this.#guards.lingerMs).unref()
    socket.once('close', () => clearTimeout(timer))
  }

  /** Until everything is taken, though nobody is kept from writing: little waits. */
  #flushed(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(tooSlow()), this.#guards.streamStallMs).unref()
      this.#socket.write('', () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  async #drained(): Promise<void> {
    const socket = this.#socket
    await new Promise<void>((resolve, reject) => {
      const over = (settle: () => void) => () => {
        clearTimeout(timer)
        socket.off('drain', onDrain)
        socket.off('close', onClose)
        settle()
      }
      const onDrain = over(resolve)
      const onClose = over(() => reject(gone()))
      const onStall = over(() => reject(tooSlow()))
      const timer = setTimeout(onStall, this.#guards.streamStallMs).unref()
      socket.on('drain', onDrain)
      socket.on('close', onClose)
    })
  }
}

const gone = () => new Fault('request_incomplete', 'The connection is lost.')
const tooSlow = () => new Fault('consumer_too_slow', 'This stream is read too slowly; go on with the cursor.')
