import { randomBytes } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import t from 'tap'
import {
  mintDeliveryId,
  mintWebhookSecret,
  openSecret,
  sealSecret,
  webhookHeaders,
} from '../../src/auth/webhook-secrets.ts'

t.test('signs as the official library does, with each secret', async (t) => {
  const [secret, before] = [mintWebhookSecret(), mintWebhookSecret()]
  const at = new Date('2026-06-01T00:00:00.999Z')
  const body = '{"value":"ñ € 𝄞"}'
  const headers = webhookHeaders('msg_1', at, body, [secret, before])
  t.equal(headers['webhook-timestamp'], String(Date.parse('2026-06-01T00:00:00Z') / 1000), 'whole seconds')
  t.equal(
    headers['webhook-signature'],
    [secret, before].map((each) => new Webhook(each).sign('msg_1', at, body)).join(' '),
  )
})

t.test('signs the published example', async (t) => {
  const headers = webhookHeaders('msg_p5jXN8AQM9LWM0D4loKWxJek', new Date(1_614_265_330_000), '{"test": 2432232314}', [
    'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  ])
  t.equal(headers['webhook-signature'], 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
})

t.test('secrets and ids are new each time, and have the form that the standard wants', async (t) => {
  const secrets = Array.from({ length: 100 }, mintWebhookSecret)
  t.equal(new Set(secrets).size, 100)
  for (const each of secrets) {
    t.match(each, /^whsec_[A-Za-z0-9+/]+=*$/)
    t.equal(Buffer.from(each.slice(6), 'base64').length, 32)
  }
  const ids = Array.from({ length: 100 }, mintDeliveryId)
  t.equal(new Set(ids).size, 100)
  for (const each of ids) t.notMatch(each, /[.]/, 'what is signed has full stops between its parts')
})

t.test('a sealed secret opens for its owner under its key, and for nobody else', async (t) => {
  const [key, secret] = [randomBytes(32), mintWebhookSecret()]
  const sealed = sealSecret(key, 'a', secret)
  t.equal(openSecret(key, 'a', sealed), secret)
  t.notOk(sealed.includes(Buffer.from(secret.slice(6), 'base64')) || sealed.includes(secret))
  t.not(sealSecret(key, 'a', secret).equals(sealed), 'no two are alike')
  t.throws(() => openSecret(key, 'b', sealed))
  t.throws(() => openSecret(randomBytes(32), 'a', sealed))
  for (let n = 0; n < sealed.length; n++) {
    const altered = Buffer.from(sealed)
    altered[n] = (altered[n] ?? 0) ^ 1
    t.throws(() => openSecret(key, 'a', altered), `byte ${n}`)
  }
})
