/** The eight groups of an IPv6 address that `node:net` accepts, a dotted quad at its end included (RFC 4291 §2.2). */
export function ipv6Groups(text: string): number[] {
  const [left = '', right] = text.split('::')
  const head = groupsOf(left)
  if (right === undefined) return head
  const tail = groupsOf(right)
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail]
}

/** The text of eight groups: lower case, no leading zeros, the longest run of two or more zeros as `::` (RFC 5952 §4). */
export function ipv6Text(groups: readonly number[]): string {
  const run = longestZeroRun(groups)
  const texts = groups.map((group) => group.toString(16))
  if (run.length < 2) return texts.join(':')
  return `${texts.slice(0, run.start).join(':')}::${texts.slice(run.start + run.length).join(':')}`
}

function groupsOf(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)]
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number)
    return [a * 256 + b, c * 256 + d]
  })
}

/** The first of the longest: RFC 5952 §4.2.3. */
function longestZeroRun(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let longest = { start: 0, length: 0 }
  let start = 0
  for (let index = 0; index <= groups.length; index++) {
    if (groups[index] === 0) continue
    if (index - start > longest.length) longest = { start, length: index - start }
    start = index + 1
  }
  return longest
}
