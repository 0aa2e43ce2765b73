import { createHash } from 'node:crypto'
import type { Random } from './random.ts'

/**
 * Values that nobody can have: addresses for documentation (RFC 5737, RFC 3849, RFC 9637), AS numbers for documentation
 * (RFC 5398), reserved names (RFC 2606, RFC 6761) and digests of made-up text. Pasting them into a firewall blocks nobody.
 */

const ipv4Networks = ['192.0.2', '198.51.100', '203.0.113'] as const
/** Above this the last octet is kept for what the transcript publishes. */
const lastOctet = 199

export const ipv4 = (random: Random): string => `${random.pick(ipv4Networks)}.${random.between(1, lastOctet)}`

/** A network of 8 to 32 addresses inside a documentation range. */
export function ipv4Prefix(random: Random): string {
  const bits = random.between(27, 29)
  const size = 2 ** (32 - bits)
  return `${random.pick(ipv4Networks)}.${random.below(Math.floor((lastOctet + 1) / size)) * size}/${bits}`
}

export function ipv6(random: Random): string {
  const groups = [random.below(0x10000), random.below(0x10000), random.between(1, 0xffff)].map(hex)
  return random.chance(70)
    ? `2001:db8:${groups.join(':')}::${hex(random.between(1, 0xffff))}`
    : `3fff:${hex(random.below(0x1000))}:${groups.join(':')}::1`
}

const hex = (number: number): string => number.toString(16)

export const asn = (random: Random): string =>
  `AS${random.chance(50) ? random.between(64_496, 64_511) : random.between(65_536, 65_551)}`

const words = [
  ...['acceso', 'aviso', 'banca', 'boleto', 'cartao', 'clave', 'cliente', 'conta', 'cuenta', 'entrega', 'factura'],
  ...['fatura', 'login', 'multa', 'nota', 'pago', 'pedido', 'portal', 'premio', 'recibo', 'seguro', 'senha', 'soporte'],
  ...['suporte', 'tarjeta', 'token', 'validar', 'verifica', 'webmail'],
] as const

const reservedZones = ['example.com', 'example.net', 'example.org', 'example', 'test', 'invalid'] as const

/** A name under a reserved one: `verifica-boleto-4821.example`. */
export function domain(random: Random): string {
  const label = `${random.pick(words)}-${random.pick(words)}-${random.between(100, 99_999)}`
  return `${random.chance(25) ? `${random.pick(words)}.` : ''}${label}.${random.pick(reservedZones)}`
}

export function url(random: Random): string {
  const host = random.chance(75) ? domain(random) : ipv4(random)
  const file = random.pick(['', 'index.html', 'login.php', 'update.bin', 'factura.zip', 'gate.php', 'app.apk'])
  return `${random.pick(['http', 'https'])}://${host}/${random.pick(words)}/${hex(random.below(2 ** 24))}/${file}`
}

const ports = [22, 23, 53, 80, 123, 443, 445, 1900, 3389, 4444, 8080, 8443, 11_211] as const

export const ipPort = (random: Random): string => `${ipv4(random)}:${random.pick(ports)}`

/** At example.com, example.net or example.org alone. */
export const emailAddress = (random: Random): string =>
  `${random.pick(words)}.${random.pick(words)}${random.between(1, 9_999)}@example.${random.pick(['com', 'net', 'org'])}`

/** The digest of a made-up text, which is not kept: nothing has it. */
export const digest = (random: Random, algorithm: 'md5' | 'sha1' | 'sha256'): string =>
  createHash(algorithm)
    .update(`made up for the demo of Puente: ${random.below(2 ** 32)} ${random.below(2 ** 32)}`)
    .digest('hex')
