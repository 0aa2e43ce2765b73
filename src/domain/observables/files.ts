import { line, matching } from './text.ts'
import { inGroup, lowerCase } from './type.ts'

/** Names and paths correlate without case: Windows ignores it, and reports copy it carelessly. */
export const fileTypes = inGroup('file', { key: lowerCase }, [
  {
    id: 'filename',
    anyText: true,
    description: 'The name of a file, without its directory.',
    stix: ['file:name', 'process:name'],
    misp: ['filename', 'email-attachment'],
    parse: line,
    becomes: (value) => (isPath(value) ? 'file-path' : 'filename'),
  },
  {
    id: 'file-path',
    anyText: true,
    description: 'The path of a file; placeholders such as %APPDATA% and ~ stay.',
    misp: ['filename'],
    parse: line,
    becomes: (value) => (isPath(value) ? 'file-path' : 'filename'),
  },
  {
    id: 'directory',
    anyText: true,
    description: 'The path of a directory, without the separator at its end.',
    stix: ['directory:path', 'file:parent_directory_ref.path'],
    parse: (text) => withoutEnd(line(text)),
  },
  {
    id: 'pdb-path',
    anyText: true,
    description: 'The path of the debug symbols that a compiler left in a program.',
    misp: ['pdb'],
    parse: line,
  },
  {
    id: 'mime-type',
    description: 'A media type: application/x-dosexec.',
    stix: ['file:mime_type', 'artifact:mime_type'],
    misp: ['mime-type'],
    correlates: false,
    parse: matching(/^[a-z0-9!#$&^_.+-]{1,127}\/[a-z0-9!#$&^_.+-]{1,127}$/, 'a media type (RFC 6838)', lowerCase),
  },
])

const isPath = (value: string): boolean => /[\\/]/.test(value)

/** `C:\` and `/` keep theirs: there it is the name. */
function withoutEnd(path: string): string {
  let end = path.length
  while (end > 1 && /[\\/\s]/.test(path[end - 1] ?? '')) end--
  const rest = path.slice(0, end)
  return /^[a-z]:$/i.test(rest) ? `${rest}\\` : rest
}
