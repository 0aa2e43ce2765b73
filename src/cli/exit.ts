/** What a command's exit code means; `puente --help` prints it. */
export const exitCodes = {
  ok: 0,
  /** The node refused something, or a check failed. */
  refused: 1,
  /** The command line or the environment is wrong. */
  usage: 2,
  unreachable: 3,
  unauthorised: 4,
} as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

export const exitCodesText = `Exit codes: 0 done; 1 refused, wholly or in part; 2 wrong command line or environment;
3 node or database not reachable; 4 not authorised.`

/** An end of a command that is no bug: its message is printed without a stack. */
export class CommandError extends Error {
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CommandError'
    this.exitCode = exitCode
  }
}
