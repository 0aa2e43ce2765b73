import type { Test } from 'tap'
import { Fault, type FaultCode, faultCodes } from '../../src/domain/errors.ts'
import type { Handling } from '../../src/domain/handling.ts'
import { handling } from '../api/graphql.ts'
import type { Answer, TestNode } from '../node.ts'

/** What none of the accounts that fuzz may ever be shown. Their texts are in nothing that is sent. */
const canaries: readonly { readonly handling: Handling; readonly value: string }[] = [
  { handling: handling('csirt-cl', { tlp: 'red', people: ['camila.csirt-cl'] }), value: 'qzredcanary.example.net' },
  {
    handling: handling('csirt-cl', { tlp: 'amber+strict', organisations: ['csirt-cl'] }),
    value: 'qzstrictcanary.example.net',
  },
  {
    handling: handling('csirt-cl', { tlp: 'amber+strict', organisations: ['csirt-cl'], attribution: 'anonymous' }),
    value: 'qzanonymouscanary.example.net',
  },
]

/** Accounts that may see none of them, whatever they do to what is theirs. */
export const strangers = [
  'anonymous',
  'ana.cert-br',
  'sofia.csirt-ar',
  'joao.rede-sul',
  'rosa.red-andina',
  'ignacio.policia-cl',
] as const

/** Those who keep the directory, for nodes that nobody else uses. */
export const keepers = ['admin.lacnic', 'policy.lacnic', 'marta.lacnic', 'caio.cert-br'] as const

/** Puts the canaries into a node, and something that everybody may see. @returns all their ids */
export async function plantCanaries(node: TestNode): Promise<string[]> {
  const ids: string[] = []
  for (const { handling, value } of canaries) {
    const more = { description: 'qzdescriptioncanary', name: 'qznamecanary', labels: ['qzlabelcanary'] }
    ids.push(await node.plant(handling, { type: 'domain-name', value }, more))
  }
  for (let n = 0; n < 5; n++) {
    const open = handling('cert-br', { tlp: n % 2 === 0 ? 'clear' : 'green' })
    ids.push(await node.plant(open, { type: 'ipv4-address', value: `192.0.2.${n + 1}` }, { name: `open ${n}` }))
  }
  return ids
}

/** Words of the database, of the language and of the machine that have no place in an answer. */
const innards =
  /postgres|pg_|relation "|column "|violates|syntax error at|duplicate key value|invalid input syntax|drizzle|node_modules|at async |\.[jt]s:\d+|ECONN|\/tmp\/|TypeError|undefined is not|Cannot read prop/i

/** How long one answer may take, on a machine that does other things. */
const longestMs = 4_000

/** What is wrong with an answer to whatever was asked; undefined when nothing is. */
export function wrongWith(answer: Answer, ms: number, asked: string): string | undefined {
  const { status, text } = answer
  const told = `${asked.slice(0, 600)}\n${status} ${text.slice(0, 400)}`
  if (/qz(red|strict|anonymous|description|name|label)canary/.test(`${text}${JSON.stringify(answer.headers)}`))
    return `a canary: ${told}`
  const innard = innards.exec(text)
  if (innard !== null && !asked.includes(innard[0])) return `innards (${innard[0]}): ${told}`
  if (ms > longestMs) return `${Math.round(ms)} ms: ${told}`
  // Key sets and the like are the same for everybody, and meant to be kept.
  const isPublished = asked.includes(' /.well-known/') && status === 200
  // RFC 6749 §5.1 has token answers say no-store; every other door says whose they are, too.
  const expected = / \/oauth\//.test(asked) ? ['no-store', 'private, no-store'] : ['private, no-store']
  const mayKeep = !expected.includes(String(answer.headers['cache-control']))
  if (mayKeep && !isPublished) return `a cache may keep it: ${told}`
  if (status >= 500) return `status: ${told}`
  if (/"code":"(internal|unavailable)"/.test(text)) return `inside: ${told}`
  return undefined
}

/** What is wrong with a refusal by REST. */
export function wrongProblem({ status, headers, body, text }: Answer, asked: string): string | undefined {
  if (status < 400) return undefined
  const told = `${asked.slice(0, 600)}\n${status} ${text.slice(0, 400)}`
  // Errors of TAXII 2.1 §3.6, with the codes of every door.
  if (/ \/taxii2\//.test(asked) && headers['content-type'] === 'application/taxii+json;version=2.1') {
    const { error_code: code, http_status: said } = body as { error_code?: string; http_status?: string }
    return Object.hasOwn(faultCodes, code ?? '') && said === String(status) ? undefined : `a wrong TAXII error: ${told}`
  }
  // Errors of RFC 6749 §5.2, which clients of OAuth read.
  if (/ \/oauth\/(token|revoke)/.test(asked) && typeof (body as { error?: unknown } | undefined)?.error === 'string')
    return undefined
  const form = String(headers['content-type'])
  if (/ \/misp\//.test(asked) && form.startsWith('application/json')) return wrongMispError(status, body, told)
  if (!form.startsWith('application/problem+json')) return `no problem document: ${told}`
  const { code } = body as { code: FaultCode }
  if (!Object.hasOwn(faultCodes, code)) return `unknown code: ${told}`
  // A push of which every record was refused is 422, with the code of the first.
  const expected = 'receipt' in body ? 422 : new Fault(code, '').status
  if (status !== expected || body.status !== status || typeof body.detail !== 'string')
    return `unlike its code: ${told}`
  return undefined
}

/** Errors that clients of MISP read: who is not known gets 403. */
function wrongMispError(status: number, body: Record<string, unknown>, told: string): string | undefined {
  const { name, message, url, code } = body
  if (typeof code !== 'string' || !Object.hasOwn(faultCodes, code)) return `unknown code: ${told}`
  const usual = new Fault(code as FaultCode, '').status
  if (status !== (usual === 401 ? 403 : usual)) return `unlike its code: ${told}`
  const isMisp = typeof name === 'string' && name === message && typeof url === 'string'
  return isMisp ? undefined : `no error of MISP: ${told}`
}

/** Shows at most ten of what was found. */
export function none(t: Test, found: readonly string[]): void {
  t.equal(found.length, 0, found.length === 0 ? 'nothing found' : found.slice(0, 10).join('\n\n'))
}
