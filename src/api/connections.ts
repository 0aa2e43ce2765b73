import { BlockList, isIP, isIPv6, type Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { Fault } from '../domain/errors.ts'
import { answerRaw } from './raw-answers.ts'

/**
 * So many connections in all and of one address. One too many is answered 503 with `Retry-After` and closed, whatever it wanted to say.
 * @param proxies addresses whose connections are many people's, as in `trustProxy`: they are not counted by address
 */
export function limitConnections(
  server: FastifyInstance['server'],
  { connections, connectionsPerAddress }: { readonly connections: number; readonly connectionsPerAddress: number },
  proxies: readonly string[],
): void {
  const exempt = blockListOf(proxies)
  const ofAddress = new Map<string, number>()
  let all = 0
  // Beyond what can be told so, the kernel's side is closed without a word.
  server.maxConnections = connections + Math.ceil(connections / 10)
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? ''
    const mine = (ofAddress.get(address) ?? 0) + 1
    ofAddress.set(address, mine)
    all++
    socket.once('close', () => {
      all--
      const left = (ofAddress.get(address) ?? 1) - 1
      if (left === 0) ofAddress.delete(address)
      else ofAddress.set(address, left)
    })
    if (all <= connections && (mine <= connectionsPerAddress || isIn(exempt, address))) return
    answerRaw(socket, new Fault('unavailable', 'There are too many connections.', { retryAfterSeconds: 5 }))
  })
}

/** Words for networks, as `trustProxy` has them. */
const named: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

function blockListOf(proxies: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of proxies.flatMap((each) => named[each] ?? [each])) {
    const [address = '', bits] = network.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    list.addSubnet(address, bits === undefined ? (family === 'ipv6' ? 128 : 32) : Number(bits), family)
  }
  return list
}

/** A socket that listens on both families says `::ffff:192.0.2.1` of an IPv4 address. */
function isIn(list: BlockList, address: string): boolean {
  const plain = address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address
  const version = isIP(plain)
  return version !== 0 && list.check(plain, version === 6 ? 'ipv6' : 'ipv4')
}
