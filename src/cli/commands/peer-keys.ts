import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import type { RotatedNodeKey } from '../../actions/federation-keys.ts'
import { call, path } from '../client.ts'
import { CommandError, exitCodes } from '../exit.ts'
import { printThing } from '../output.ts'
import { asClient, type ClientOptions, type Shell, targetOf } from '../shell.ts'

/** A node as it states itself, and the key that people compared. */
export interface StatedOptions extends ClientOptions {
  readonly description: string
  readonly thumbprint?: string
}

/** Keys of peers, and this node's own. */
export function addPeerKeys(peer: Command, shell: Shell): void {
  asClient(peer.command('pin <node>').description('pin its new keys: endorsed by a pinned one, or compared (operator)'))
    .requiredOption('--description <file>', 'what its /.well-known/puente gave; - is standard input')
    .option('--thumbprint <thumbprint>', 'of its key, as you compared it; not needed for one that is endorsed')
    .action(async (node: string, { description, thumbprint, ...options }: StatedOptions) => {
      const body = { statement: statementIn(description), thumbprint }
      const place = path('v1', 'peers', node, 'keys')
      printThing(shell, options.json, await call(targetOf(shell, options), place, { method: 'POST', body }))
    })

  asClient(peer.command('revoke <node> <thumbprint>').description('take one of its keys back (operator)'))
    .option('--from <time>', 'since when somebody else may have it, ISO 8601; now when absent')
    .action(async (node: string, thumbprint: string, { from, ...options }: ClientOptions & { from?: string }) => {
      const request = { method: 'POST', body: { from } } as const
      const place = path('v1', 'peers', node, 'keys', thumbprint, 'revoke')
      printThing(shell, options.json, await call(targetOf(shell, options), place, request))
    })

  asClient(peer.command('rotate').description('a new key of this node towards its peers (operator)'))
    .option('--drop-others', 'take the earlier ones back at once: peers must compare the new one by hand')
    .action(async ({ dropOthers, ...options }: ClientOptions & { readonly dropOthers?: boolean }) => {
      const request = { method: 'POST', body: { dropOthers: dropOthers === true } } as const
      printThing(
        shell,
        options.json,
        await call<RotatedNodeKey>(targetOf(shell, options), '/v1/federation-keys', request),
      )
    })
}

/** The signed statement of a description. @throws {CommandError} */
export function statementIn(file: string): string {
  let text: string
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (cause) {
    throw new CommandError(exitCodes.usage, `${file} cannot be read`, { cause })
  }
  try {
    const { statement } = JSON.parse(text) as { readonly statement?: unknown }
    if (typeof statement === 'string') return statement
  } catch {
    // Said below: it is no description either way.
  }
  throw new CommandError(exitCodes.usage, `${file} is no description of a node: fetch its /.well-known/puente`)
}
