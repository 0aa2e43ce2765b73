import { constants, copyFileSync, createWriteStream, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Command, Option } from 'commander'
import type { ClawBack } from '../../actions/claw-backs.ts'
import type { Export } from '../../actions/exports.ts'
import { exportLanguages, openExportStates } from '../../domain/export.ts'
import { projectFolder } from '../../main.ts'
import { keyFrom } from '../audit/evidence.ts'
import { call, path, refusal, Unreachable } from '../client.ts'
import { CommandError, exitCodes } from '../exit.ts'
import { verifyPackage } from '../export/verify-package.ts'
import { harmless, printRows, printThing } from '../output.ts'
import { asClient, type ClientOptions, type Shell, targetOf } from '../shell.ts'

interface StartOptions extends ClientOptions {
  readonly language?: string
  readonly again?: string
  readonly wait?: boolean
}

/** Between two looks at how far a package is. */
const lookMs = 500

/** `puente export`: packages under legal requests. */
export function addExport(program: Command, shell: Shell): void {
  const exports = program.command('export').description('packages of evidence under legal requests')

  asClient(exports.command('start <request>').description('have a package made of what request and policy let through'))
    .addOption(new Option('--language <language>', 'of its README').choices(exportLanguages))
    .option('--again <export>', 'the content of an earlier one, and so the same bytes, or none')
    .option('--wait', 'until it is ready')
    .action(async (request: string, { language, again, wait, ...options }: StartOptions) => {
      const target = targetOf(shell, options)
      const body = { ...(language === undefined ? {} : { language }), ...(again === undefined ? {} : { again }) }
      let made = await call<Export>(target, path('v1', 'legal-requests', request, 'exports'), { method: 'POST', body })
      while (wait === true && made.state !== 'ready' && openExportStates.includes(made.state)) {
        await new Promise((resolve) => setTimeout(resolve, lookMs))
        made = await call<Export>(target, path('v1', 'exports', made.id))
        shell.say(`${made.state}: ${made.done} of ${made.items}`)
      }
      printThing(shell, options.json, made)
      if (wait === true && made.state !== 'ready') shell.exitWith(exitCodes.refused)
    })

  asClient(exports.command('list <request>').description('exports of one request, the newest first')).action(
    async (request: string, options: ClientOptions) => {
      const to = path('v1', 'legal-requests', request, 'exports')
      const { items } = await call<{ items: Export[] }>(targetOf(shell, options), to)
      printRows(shell, options.json, items, [
        ['ID', ({ id }) => id],
        ['STATE', ({ state }) => state],
        ['DONE', ({ done, items }) => `${done}/${items}`],
        ['CREATED', ({ createdAt }) => createdAt],
        ['SHA-256', ({ sha256 }) => sha256],
      ])
    },
  )

  asClient(exports.command('show <export>').description('how far one is')).action(
    async (id: string, options: ClientOptions) =>
      printThing(shell, options.json, await call<Export>(targetOf(shell, options), path('v1', 'exports', id))),
  )

  asClient(exports.command('cancel <export>').description('end one that was not fetched')).action(
    async (id: string, options: ClientOptions) => {
      const to = path('v1', 'exports', id)
      printThing(shell, options.json, await call<Export>(targetOf(shell, options), to, { method: 'DELETE' }))
    },
  )

  asClient(exports.command('download <export> <file>').description('fetch a package; it can be fetched once')).action(
    async (id: string, file: string, options: ClientOptions) => {
      await download(targetOf(shell, options), id, file)
      shell.print(options.json === true ? JSON.stringify({ file }) : file)
    },
  )

  addClawBacks(exports, shell)

  exports
    .command('page <file>')
    .description('write the page with which a browser checks a package, from a disk and without a network')
    .action((file: string) => {
      try {
        copyFileSync(join(projectFolder, 'dist', 'verify-package.html'), file, constants.COPYFILE_EXCL)
      } catch (cause) {
        throw new CommandError(exitCodes.usage, `${file} cannot be written`, { cause })
      }
      shell.print(file)
    })

  exports
    .command('verify <file>')
    .description('check a package offline: every file, every indicator, signature and place in the log')
    .requiredOption('--key <key>', "the node's public key, known from elsewhere: name+id+key")
    .option('--json', 'for machines')
    .action(async (file: string, { key, json }: { readonly key: string; readonly json?: boolean }) => {
      const checked = await verifyPackage(bytesOf(file), keyFrom(key))
      if (json === true) shell.print(JSON.stringify(checked))
      else if (checked.faults.length === 0)
        shell.print(
          harmless(`holds: ${checked.items} indicators, case ${checked.caseReference}, request ${checked.request}`),
        )
      else for (const { where, what } of checked.faults) shell.print(harmless(`${where}: ${what}`))
      if (checked.faults.length > 0) shell.exitWith(exitCodes.refused)
    })
}

/** What was recalled of packages after they were fetched. */
function addClawBacks(exports: Command, shell: Shell): void {
  const print = (options: ClientOptions, items: readonly ClawBack[]) =>
    printRows(shell, options.json, items, [
      ['EXPORT', ({ export: id }) => id],
      ['INDICATOR', ({ indicator }) => indicator],
      ['ORIGINATOR', ({ originator }) => originator],
      ['RECALLED', ({ recalledAt }) => recalledAt],
      ['BY', ({ deadline, overdue }) => `${deadline}${overdue ? ' overdue' : ''}`],
      ['CONFIRMED', ({ confirmedAt }) => confirmedAt],
    ])

  asClient(exports.command('claw-backs').description('what was recalled of packages after they were fetched'))
    .option('--overdue', 'only what was not confirmed in time')
    .option('--confirmed', 'what was confirmed, instead of what waits')
    .action(
      async ({
        overdue,
        confirmed,
        ...options
      }: ClientOptions & { readonly overdue?: boolean; readonly confirmed?: boolean }) => {
        const query = new URLSearchParams({
          ...(overdue === true ? { overdue: 'true' } : {}),
          ...(confirmed === true ? { confirmed: 'true' } : {}),
        })
        const to = `${path('v1', 'claw-backs')}?${query}`
        print(options, (await call<{ items: ClawBack[] }>(targetOf(shell, options), to)).items)
      },
    )

  asClient(exports.command('confirm <export> [indicator...]').description('say what was done with what was recalled'))
    .requiredOption('--note <text>', 'what was done')
    .action(
      async (
        id: string,
        indicators: readonly string[],
        { note, ...options }: ClientOptions & { readonly note: string },
      ) => {
        const body = { note, ...(indicators.length === 0 ? {} : { indicators }) }
        const to = path('v1', 'exports', id, 'confirm')
        const { items } = await call<{ items: ClawBack[] }>(targetOf(shell, options), to, { method: 'POST', body })
        print(options, items)
      },
    )
}

async function download(target: ReturnType<typeof targetOf>, id: string, file: string): Promise<void> {
  const { url, apiKey } = target
  const headers = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }
  // Made first: the package can be fetched once, and there must be a place for it.
  const out = createWriteStream(file, { flags: 'wx', mode: 0o600 })
  await new Promise<void>((resolve, reject) => {
    out.once('open', () => resolve())
    out.once('error', (cause) => reject(new CommandError(exitCodes.usage, `${file} cannot be written`, { cause })))
  })
  const to = `${url}${path('v1', 'exports', id, 'download')}`
  const answer = await fetch(to, { method: 'POST', headers, redirect: 'manual' }).catch((error: unknown) => {
    throw new Unreachable(url, error)
  })
  if (answer.status !== 200 || answer.body === null) {
    out.destroy()
    throw refusal(target, { status: answer.status, headers: answer.headers, text: await answer.text() })
  }
  await pipeline(Readable.fromWeb(answer.body as Parameters<typeof Readable.fromWeb>[0]), out)
}

function bytesOf(file: string): Uint8Array {
  try {
    return readFileSync(file)
  } catch (cause) {
    throw new CommandError(exitCodes.usage, `${file} cannot be read`, { cause })
  }
}
