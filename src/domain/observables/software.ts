import { line, matching } from './text.ts'
import { inGroup, invalid, lowerCase } from './type.ts'

export const softwareTypes = inGroup('software', {}, [
  {
    id: 'software',
    anyText: true,
    description: 'A program by its name.',
    stix: ['software:name'],
    key: lowerCase,
    parse: line,
  },
  {
    id: 'cpe',
    description: 'A platform by its CPE name: a 2.3 formatted string or a 2.2 URI.',
    stix: ['software:cpe'],
    misp: ['cpe'],
    parse: parseCpe,
  },
  {
    id: 'package-url',
    description: 'A package by its package URL: pkg:npm/left-pad@1.3.0.',
    parse: matching(/^pkg:[a-z][a-z0-9.+-]{0,63}\/[^\s/]\S*$/, 'a package URL', (text) =>
      text.replace(/^pkg:\/{0,2}[^/]{1,64}/i, (start) => start.toLowerCase().replace(/^pkg:\/+/, 'pkg:')),
    ),
  },
  {
    id: 'container-image',
    description: 'A container image by its reference.',
    parse: matching(/^[a-z0-9][A-Za-z0-9._/:@-]{0,511}$/, 'a container image reference'),
  },
  {
    id: 'device-model',
    anyText: true,
    description: 'A device by make and model.',
    key: lowerCase,
    parse: line,
  },
  {
    id: 'git-commit',
    description: 'A Git commit by its id.',
    misp: ['git-commit-id'],
    parse: matching(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/, 'a Git commit id: 40 or 64 hexadecimal digits', lowerCase),
  },
  {
    id: 'github-repository',
    description: 'A repository at GitHub, as owner/name.',
    misp: ['github-repository'],
    key: lowerCase,
    parse: matching(/^[A-Za-z0-9-]{1,39}\/[A-Za-z0-9._-]{1,100}$/, 'a GitHub repository: owner/name', (text) =>
      text.replace(/^https:\/\/github\.com\//i, '').replace(/\/$/, ''),
    ),
  },
  {
    id: 'mobile-application-id',
    description: 'A mobile application by its package or bundle id.',
    misp: ['mobile-application-id'],
    key: lowerCase,
    parse: matching(/^[A-Za-z0-9_-]{1,100}(?:\.[A-Za-z0-9_-]{1,100}){0,20}$/, 'a mobile application id'),
  },
  {
    id: 'azure-application-id',
    description: 'A cloud application by its GUID in Microsoft Entra.',
    misp: ['azure-application-id'],
    parse: matching(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, 'a GUID', lowerCase),
  },
  {
    id: 'vulnerability',
    description: 'A vulnerability by its CVE, GHSA or EUVD id.',
    misp: ['vulnerability'],
    parse: parseVulnerability,
  },
  {
    id: 'weakness',
    description: 'A class of weakness by its CWE id.',
    misp: ['weakness'],
    parse: matching(/^CWE-[1-9]\d{0,5}$/, 'a CWE id: CWE-79', (text) => text.toUpperCase()),
  },
])

/** CPE 2.3 (NISTIR 7695): eleven attributes, escaped with backslashes; names do not differ by case. */
function parseCpe(text: string): string {
  const name = text.toLowerCase()
  const attributes = name.replace(/\\./g, '__').split(':')
  const formatted = attributes.length === 13 && name.startsWith('cpe:2.3:') && !attributes.includes('')
  const uri = attributes.length <= 9 && /^cpe:\/[aho](?::|$)/.test(name)
  if (/\s/.test(name) || !(formatted || uri)) throw invalid(text, 'is not a CPE name')
  return name
}

function parseVulnerability(text: string): string {
  const id = text.toUpperCase()
  if (/^CVE-\d{4}-\d{4,19}$/.test(id) || /^EUVD-\d{4}-\d{1,19}$/.test(id)) return id
  if (/^GHSA(?:-[0-9A-Z]{4}){3}$/.test(id)) return `GHSA${id.slice(4).toLowerCase()}`
  throw invalid(text, 'is not a CVE, GHSA or EUVD id: CVE-2021-44228')
}
