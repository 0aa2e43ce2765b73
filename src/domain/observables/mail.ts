import { parseName } from './name.ts'
import { block, line, matching } from './text.ts'
import { inGroup, invalid, lowerCase } from './type.ts'

export const mailTypes = inGroup('mail', { lifetimeDays: 365 }, [
  {
    id: 'email-address',
    description: 'An e-mail address; the domain in lower case, the part before @ as written.',
    stix: ['email-addr:value'],
    misp: ['email', 'email-src', 'email-dst', 'email-reply-to', 'dns-soa-email', 'whois-registrant-email'],
    personalData: true,
    refangs: true,
    key: lowerCase,
    parse: parseEmailAddress,
    host: domainOf,
  },
  {
    id: 'email-display-name',
    anyText: true,
    description: 'The name shown beside an e-mail address.',
    stix: ['email-addr:display_name'],
    misp: ['email-src-display-name', 'email-dst-display-name'],
    personalData: true,
    key: lowerCase,
    parse: line,
  },
  {
    id: 'email-subject',
    anyText: true,
    description: 'The subject of an e-mail message.',
    stix: ['email-message:subject'],
    misp: ['email-subject'],
    parse: line,
  },
  {
    id: 'email-message-id',
    description: 'The Message-ID of an e-mail message, without angle brackets.',
    stix: ['email-message:message_id'],
    misp: ['email-message-id'],
    parse: matching(/^[^<>\s]+$/, 'a Message-ID', (text) => text.replace(/^<([^<>]*)>$/, '$1')),
  },
  {
    id: 'email-x-mailer',
    anyText: true,
    description: 'The program that claims to have written an e-mail message.',
    stix: ["email-message:additional_header_fields.'X-Mailer'"],
    misp: ['email-x-mailer'],
    parse: line,
  },
  {
    id: 'email-mime-boundary',
    anyText: true,
    description: 'The boundary between the MIME parts of an e-mail message.',
    misp: ['email-mime-boundary'],
    parse: line,
  },
  {
    id: 'email-thread-index',
    anyText: true,
    description: 'The Thread-Index of an e-mail message.',
    misp: ['email-thread-index'],
    parse: line,
  },
  {
    id: 'email-body',
    anyText: true,
    description: 'The text of an e-mail message.',
    stix: ['email-message:body'],
    misp: ['email-body'],
    personalData: true,
    maskable: false,
    correlates: false,
    multiline: true,
    parse: block,
  },
  {
    id: 'email-header',
    anyText: true,
    description: 'Header lines of an e-mail message.',
    stix: ['x-puente-email-header:value', 'email-message:received_lines[*]'],
    misp: ['email-header'],
    personalData: true,
    maskable: false,
    correlates: false,
    multiline: true,
    parse: block,
  },
  { id: 'dkim', anyText: true, description: 'The DKIM record of a domain.', misp: ['dkim'], parse: line },
  {
    id: 'dkim-signature',
    anyText: true,
    description: 'The DKIM signature of an e-mail message.',
    misp: ['dkim-signature'],
    maskable: false,
    multiline: true,
    parse: block,
  },
])

/** RFC 5321 §4.5.3.1.1. */
const localPartBytes = 64

/**
 * `local@domain`: the local part a dot-string (RFC 5321, with UTF-8 as RFC 6531 allows), in normal form C.
 * Quoted local parts and address literals are refused: nobody can be reached by them.
 */
function parseEmailAddress(text: string): string {
  const address = text.replace(/^mailto:/i, '')
  const at = address.lastIndexOf('@')
  const local = address.slice(0, at).normalize('NFC')
  if (at < 1 || !/^[^\s"(),:;<>@[\\\]]+$/.test(local) || /^\.|\.\.|\.$/.test(local)) {
    throw invalid(text, 'is not an e-mail address: something@domain')
  }
  if (Buffer.byteLength(local) > localPartBytes) throw invalid(text, `has more than ${localPartBytes} bytes before @`)
  return `${local}@${parseName(address.slice(at + 1), 'two labels or more')}`
}

function domainOf(value: string): string {
  return value.slice(value.lastIndexOf('@') + 1)
}
