import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, randomUUID } from 'node:crypto'

/**
 * The secret that an endpoint verifies deliveries with, as Standard Webhooks 1.0.0 writes it: `whsec_` and base64, of 24 to 64 bytes;
 * ours have 32.
 */
export const mintWebhookSecret = (): string => `${prefix}${randomBytes(32).toString('base64')}`

/** What a receiver knows a delivery by, at each attempt: unique, and without a full stop. */
export const mintDeliveryId = (): string => `msg_${randomUUID().replaceAll('-', '')}`

/**
 * The headers of a delivery (Standard Webhooks 1.0.0): HMAC-SHA256 over `id.timestamp.body`, one signature for each secret.
 * @param id without a full stop
 * @param secrets the newest first; more than one while they are being changed
 */
export function webhookHeaders(
  id: string,
  at: Date,
  body: string,
  secrets: readonly string[],
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(at.getTime() / 1000))
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(prefix.length), 'base64')
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
  })
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') }
}

/**
 * Seals a secret for the database: who gets hold of the table, and not of the node's own row, has nothing to sign with.
 * @param nodeKey 32 bytes that the node keeps; the sealing key is derived from it (HKDF, RFC 5869)
 * @param owner what it belongs to: it opens for nothing else
 */
export function sealSecret(nodeKey: Buffer, owner: string, secret: string): Buffer {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', sealingKey(nodeKey), nonce).setAAD(Buffer.from(owner))
  return Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()])
}

/** @throws when it was sealed for another owner or under another key, or was altered */
export function openSecret(nodeKey: Buffer, owner: string, sealed: Buffer): string {
  const decipher = createDecipheriv('aes-256-gcm', sealingKey(nodeKey), sealed.subarray(0, nonceBytes))
  decipher.setAAD(Buffer.from(owner)).setAuthTag(sealed.subarray(-tagBytes))
  return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, -tagBytes)), decipher.final()]).toString('utf8')
}

const prefix = 'whsec_'
const nonceBytes = 12
const tagBytes = 16

const sealingKey = (nodeKey: Buffer): Buffer =>
  Buffer.from(hkdfSync('sha256', nodeKey, Buffer.alloc(0), 'puente webhook secrets', 32))
