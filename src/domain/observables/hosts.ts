import { line } from './text.ts'
import { inGroup, invalid, lowerCase } from './type.ts'

/** What malicious code leaves on a machine, other than files. Windows compares most of it without case. */
export const hostTypes = inGroup('host', { key: lowerCase }, [
  {
    id: 'mutex',
    anyText: true,
    description: 'The name of a mutual exclusion object; its case counts.',
    stix: ['mutex:name'],
    misp: ['mutex'],
    key: (value) => value,
    parse: line,
  },
  {
    id: 'named-pipe',
    anyText: true,
    description: 'A named pipe of Windows, as \\\\.\\pipe\\name.',
    misp: ['named pipe'],
    parse: parsePipe,
  },
  {
    id: 'registry-key',
    anyText: true,
    description: 'A key of the Windows registry; the hive, where it is given, by its full name.',
    stix: ['windows-registry-key:key'],
    misp: ['regkey'],
    parse: parseRegistryKey,
  },
  {
    id: 'registry-value',
    anyText: true,
    description: 'The data of a value in the Windows registry.',
    stix: ['windows-registry-key:values[*].data'],
    parse: line,
  },
  {
    id: 'registry-value-name',
    anyText: true,
    description: 'The name of a value in the Windows registry.',
    stix: ['windows-registry-key:values[*].name'],
    parse: line,
  },
  {
    id: 'command-line',
    anyText: true,
    description: 'The command line of a process, exact.',
    stix: ['process:command_line'],
    key: (value) => value,
    parse: line,
  },
  {
    id: 'scheduled-task',
    anyText: true,
    description: 'The name of a scheduled task of Windows.',
    misp: ['windows-scheduled-task'],
    parse: line,
  },
  {
    id: 'windows-service',
    anyText: true,
    description: 'The name of a Windows service.',
    stix: ["process:extensions.'windows-service-ext'.service_name"],
    misp: ['windows-service-name'],
    parse: line,
  },
  {
    id: 'windows-service-display-name',
    anyText: true,
    description: 'The display name of a Windows service.',
    stix: ["process:extensions.'windows-service-ext'.display_name"],
    misp: ['windows-service-displayname'],
    parse: line,
  },
])

/** The prefix of the machine (`\\.\pipe\`, `\pipe\`) goes and comes back as the one for the local machine. */
function parsePipe(text: string): string {
  const name = line(text).replace(/^(\\\\[^\\]{1,64})?\\pipe\\/i, '')
  if (name === '') throw invalid(text, 'is not the name of a pipe')
  return `\\\\.\\pipe\\${name}`
}

/** The hives of the Windows registry by their short names and by the names the kernel gives them. */
const hives: readonly (readonly [RegExp, string])[] = [
  [/^(HKLM|HKEY_LOCAL_MACHINE|\\REGISTRY\\MACHINE)(?=\\|$)/i, 'HKEY_LOCAL_MACHINE'],
  [/^(HKCU|HKEY_CURRENT_USER)(?=\\|$)/i, 'HKEY_CURRENT_USER'],
  [/^(HKCR|HKEY_CLASSES_ROOT)(?=\\|$)/i, 'HKEY_CLASSES_ROOT'],
  [/^(HKU|HKEY_USERS|\\REGISTRY\\USER)(?=\\|$)/i, 'HKEY_USERS'],
  [/^(HKCC|HKEY_CURRENT_CONFIG)(?=\\|$)/i, 'HKEY_CURRENT_CONFIG'],
]

/** One backslash between keys, none at the end; `HKLM:\` is PowerShell's spelling. */
function parseRegistryKey(text: string): string {
  const key = line(text)
    .split('\\')
    .map((part) => part.trim())
    .filter((part, index) => part !== '' || index === 0)
    .join('\\')
    .replace(/^(HK[A-Z_]{1,20}):(?=\\|$)/i, '$1')
  for (const [spelling, name] of hives) {
    if (spelling.test(key)) return key.replace(spelling, name)
  }
  if (key === '') throw invalid(text, 'is not a registry key')
  return key
}
