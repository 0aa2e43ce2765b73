import type { Readable } from 'node:stream'
import { type Command, Option } from 'commander'
import type { Config, Secrets } from '../config.ts'
import { apiKey, parseNodeUrl } from '../config-values.ts'
import type { Target } from './client.ts'
import type { ExitCode } from './exit.ts'

/** What a command may touch of the world around it. */
export interface Shell {
  readonly config: Config
  readonly secrets: Secrets
  readonly stdin: Readable
  /** Whether a person reads standard output, and standard error. */
  readonly terminal: { readonly out: boolean; readonly err: boolean }
  /** A line on standard output: the answer. */
  print(line: string): void
  /** A line on standard error: what is said about it. */
  say(line: string): void
  /** What the process will end with, where it is not 0. */
  exitWith(code: ExitCode): void
}

/** Options of every command that talks to a node. */
export interface ClientOptions {
  readonly url?: string
  readonly key?: string
  readonly json?: boolean
}

/** Adds `--url`, `--key` and `--json`. */
export function asClient(command: Command): Command {
  return command
    .addOption(new Option('--url <url>', 'the node; PUENTE_URL when absent'))
    .addOption(new Option('--key <key>', 'API key; better in PUENTE_API_KEY, where other users do not see it'))
    .addOption(new Option('--json', 'for machines: JSON, several results one a line'))
}

/** The node and the account that the options and the environment name. @throws ConfigurationError */
export function targetOf({ config, secrets }: Shell, options: ClientOptions): Target {
  const url = options.url === undefined ? config.url : parseNodeUrl('--url', options.url)
  const key = options.key === undefined ? secrets.apiKey : apiKey(options.key, '--key')
  return { url, ...(key === undefined ? {} : { apiKey: key }) }
}

/** Gathers the values of an option that may be repeated. */
export const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value]
