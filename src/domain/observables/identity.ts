import { parseName } from './name.ts'
import { block, line, matching } from './text.ts'
import { inGroup, invalid, lowerCase } from './type.ts'

/** Accounts, numbers and keys by which a person or a service is known. */
export const identityTypes = inGroup('identity', { lifetimeDays: 365, personalData: true, key: lowerCase }, [
  {
    id: 'user-account',
    anyText: true,
    description: 'An account of a system or service, by its login or id.',
    stix: ['user-account:account_login', 'user-account:user_id', 'process:creator_user_ref.user_id'],
    misp: ['eppn'],
    parse: line,
  },
  {
    id: 'user-display-name',
    anyText: true,
    description: 'The name an account shows.',
    stix: ['user-account:display_name'],
    parse: line,
  },
  {
    id: 'persona',
    anyText: true,
    description: 'Whom somebody pretends to be.',
    stix: ['persona:persona_name'],
    parse: line,
  },
  {
    id: 'jabber-id',
    description: 'An XMPP address without its resource.',
    misp: ['jabber-id'],
    refangs: true,
    parse: parseJabberId,
    host: (value) => value.slice(value.indexOf('@') + 1),
  },
  {
    id: 'twitter-id',
    description: 'An account of X (Twitter), without @.',
    misp: ['twitter-id'],
    parse: matching(/^[A-Za-z0-9_]{1,20}$/, 'a Twitter account', (text) => text.replace(/^@/, '')),
  },
  {
    id: 'telegram-id',
    description: 'An account, channel or bot of Telegram, without @.',
    parse: matching(/^[A-Za-z][A-Za-z0-9_]{3,31}$/, 'a Telegram account', (text) =>
      text.replace(/^(?:@|https:\/\/t\.me\/)/i, ''),
    ),
  },
  {
    id: 'github-username',
    description: 'An account of GitHub.',
    misp: ['github-username', 'github-organisation'],
    parse: matching(/^[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}$/, 'a GitHub account', (text) => text.replace(/^@/, '')),
  },
  {
    id: 'phone-number',
    description: 'A telephone number in international form: +5511912345678 (ITU-T E.164).',
    stix: ['x-puente-phone-number:value', 'phone-number:value', 'x-opencti-phone-number:value'],
    misp: ['phone-number', 'prtn', 'whois-registrant-phone'],
    parse: parsePhoneNumber,
  },
  {
    id: 'pgp-fingerprint',
    description: 'The fingerprint of an OpenPGP key, version 4 or 6.',
    parse: matching(/^(?:[0-9A-F]{40}|[0-9A-F]{64})$/, 'an OpenPGP fingerprint: 40 or 64 hexadecimal digits', (text) =>
      text.replace(/[:\s]/g, '').replace(/^0x/i, '').toUpperCase(),
    ),
  },
  {
    id: 'pgp-public-key',
    description: 'An OpenPGP public key in ASCII armour.',
    misp: ['pgp-public-key'],
    maskable: false,
    correlates: false,
    multiline: true,
    key: (value) => value,
    parse: matching(/^-----BEGIN PGP PUBLIC KEY BLOCK-----/, 'an OpenPGP public key in ASCII armour', block),
  },
])

/** Spaces, dots, dashes and parentheses go, 00 becomes +; without a country the number is nobody's. */
function parsePhoneNumber(text: string): string {
  const number = text
    .replace(/^tel:/i, '')
    .replace(/[\s().-]/g, '')
    .replace(/^00/, '+')
  if (!/^\+[1-9]\d{6,14}$/.test(number)) {
    throw invalid(text, 'is not a telephone number: + and 7 to 15 digits, the country code first')
  }
  return number
}

function parseJabberId(text: string): string {
  const bare = text.replace(/^xmpp:/i, '').split('/')[0] ?? ''
  const at = bare.indexOf('@')
  const local = bare.slice(0, at).normalize('NFC').toLowerCase()
  if (at < 1 || !/^[^\s"&'/:<>@]{1,1023}$/.test(local)) throw invalid(text, 'is not an XMPP address: name@domain')
  return `${local}@${parseName(bare.slice(at + 1), 'two labels or more')}`
}
