import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import type { ClientKey } from '../../actions/client-keys.ts'
import type { Rotated } from '../../actions/signing-keys.ts'
import { type Scope, scopes } from '../../domain/account.ts'
import { call, path } from '../client.ts'
import { CommandError, exitCodes } from '../exit.ts'
import { printRows, printThing } from '../output.ts'
import { asClient, type ClientOptions, type Shell, targetOf } from '../shell.ts'

interface AddOptions extends ClientOptions {
  readonly name: string
  readonly file: string
  readonly scope?: readonly Scope[]
}

/** `puente key …-client` and `puente key rotate-signing`: keys that tokens are asked for with, and signed with. */
export function addTokenKeys(key: Command, shell: Shell): void {
  asClient(key.command('list-client <account>').description('public keys with which it may ask for tokens')).action(
    async (account: string, options: ClientOptions) => {
      const place = path('v1', 'accounts', account, 'client-keys')
      const { items } = await call<{ items: ClientKey[] }>(targetOf(shell, options), place)
      printRows(shell, options.json, items, [
        ['ID', ({ id }) => id],
        ['NAME', ({ name }) => name],
        ['SCOPES', ({ scopes }) => scopes.join(', ')],
        ['THUMBPRINT', ({ thumbprint }) => thumbprint],
        ['CREATED', ({ createdAt }) => createdAt],
        ['LAST USED', ({ lastUsedAt }) => lastUsedAt],
        ['REMOVED', ({ removedAt }) => removedAt],
      ])
    },
  )

  asClient(key.command('add-client <account>').description('register a key; only its public half is sent'))
    .requiredOption('--name <name>', 'what it is for')
    .requiredOption('--file <file>', 'the key, as PEM or JWK: Ed25519 or P-256')
    .addOption(new Option('--scope <scope...>', 'what its tokens may do; read and write when absent').choices(scopes))
    .action(async (account: string, { name, file, scope, ...options }: AddOptions) => {
      const body = { name, jwk: publicJwk(file), scopes: scope }
      const place = path('v1', 'accounts', account, 'client-keys')
      printThing(shell, options.json, await call(targetOf(shell, options), place, { method: 'POST', body }))
    })

  asClient(key.command('remove-client <key>').description('take one back, and every token asked for with it')).action(
    async (id: string, options: ClientOptions) => {
      await call(targetOf(shell, options), path('v1', 'client-keys', id), { method: 'DELETE' })
      shell.print(options.json === true ? JSON.stringify({ removed: id }) : `removed ${id}`)
    },
  )

  asClient(key.command('rotate-signing').description('a new key signs the tokens of the node'))
    .option('--drop-others', 'take the earlier ones back at once, with every token they signed')
    .action(async ({ dropOthers, ...options }: ClientOptions & { readonly dropOthers?: boolean }) => {
      const body = { dropOthers: dropOthers === true }
      const rotated = await call<Rotated>(targetOf(shell, options), '/v1/signing-keys', { method: 'POST', body })
      printThing(shell, options.json, rotated)
    })
}

/** The public half of a key, whichever half the file holds. @throws {CommandError} */
function publicJwk(file: string): object {
  const unreadable = (cause: unknown) =>
    new CommandError(exitCodes.usage, `${file} holds no key that can be read, as PEM or JWK`, { cause })
  try {
    const text = readFileSync(file, 'utf8')
    const key = text.trimStart().startsWith('{')
      ? createPublicKey({ key: JSON.parse(text), format: 'jwk' })
      : createPublicKey(text)
    return key.export({ format: 'jwk' })
  } catch (error) {
    throw unreadable(error)
  }
}
