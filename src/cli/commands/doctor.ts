import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Command } from 'commander'
import { dataFolderOf, projectFolder } from '../../main.ts'
import { type Finding, nodeVersion, platformPackage, port, writable } from '../doctor/checks.ts'
import { databaseChecks } from '../doctor/database.ts'
import { exitCodes } from '../exit.ts'
import { openLog } from '../log.ts'
import { aligned } from '../output.ts'
import type { Shell } from '../shell.ts'

/** `puente doctor`: whether a node can run here, and what stands in its way. */
export function addDoctor(program: Command, shell: Shell): void {
  program
    .command('doctor')
    .description('check this machine, the data folder, the port, the database and the schema')
    .option('--json', 'for machines: one JSON document')
    .action(async ({ json }: { json?: boolean }) => {
      const findings = await examine(shell)
      const healthy = findings.every(({ state }) => state !== 'fail')
      if (json === true) shell.print(JSON.stringify({ healthy, findings }))
      else
        for (const line of aligned(findings.map(({ check, state, detail }) => [state, check, detail])))
          shell.print(line)
      if (!healthy) shell.exitWith(exitCodes.refused)
    })
}

async function examine({ config, secrets }: Shell): Promise<Finding[]> {
  const { engines } = JSON.parse(readFileSync(path.join(projectFolder, 'package.json'), 'utf8')) as {
    engines: { node: string }
  }
  const embedded = secrets.databaseUrl === undefined
  return [
    nodeVersion(engines.node),
    platformPackage(embedded),
    ...(embedded ? [await writable(dataFolderOf(config))] : []),
    await port(config.host, config.port),
    ...(await databaseChecks(config, secrets, openLog('warn'))),
  ]
}
