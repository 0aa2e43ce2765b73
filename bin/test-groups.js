import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

/**
 * Which files run in one process: neighbours of these folders, unless one says `// alone: why` because it measures the process or
 * changes what is its. Each of a group is short beside what it loads; of the others, each starts processes itself.
 */
const sharing = /^dist.test.(?:actions|api|auth|delivery|domain|federation|formats|policy|seal|store)\W/
const groupFiles = 8

/**
 * The files in groups; each stands in one, in its order.
 * @param {readonly string[]} files below `dist/test`
 */
export function grouped(files) {
  const groups = []
  let open
  for (const file of files) {
    const folder = path.dirname(file)
    const shares = sharing.test(file) && existsSync(file) && !/^\/\/ alone: /m.test(readFileSync(file, 'utf8'))
    if (!shares || open?.folder !== folder || open.group.length === groupFiles) {
      open = { folder: shares ? folder : undefined, group: [] }
      groups.push(open.group)
    }
    open.group.push(file)
  }
  return groups
}
