const [dot, colon] = [0x2e, 0x3a]

/**
 * The eight groups of an IPv6 address that `node:net` accepts, a dotted quad at its end included (RFC 4291 §2.2). Read where it stands:
 * an address is read several times on its way in, and lists of texts are what that costs.
 */
export function ipv6Groups(text: string): number[] {
  const groups: number[] = []
  let [gap, group, digits] = [-1, 0, 0]
  for (let at = 0; at <= text.length; at++) {
    const code = at < text.length ? text.charCodeAt(at) : colon
    if (code === dot) return spread([...groups, ...quadGroups(text.slice(at - digits))], gap)
    if (code !== colon) {
      group = group * 16 + (code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x57)
      digits++
      continue
    }
    if (digits > 0) groups.push(group)
    if (text.charCodeAt(at + 1) === colon) gap = groups.length
    ;[group, digits] = [0, 0]
  }
  return spread(groups, gap)
}

/** With zeros for `::`, which stood behind as many groups. */
function spread(groups: number[], gap: number): number[] {
  if (gap < 0) return groups
  const tail = groups.splice(gap)
  while (groups.length + tail.length < 8) groups.push(0)
  return [...groups, ...tail]
}

function quadGroups(quad: string): [number, number] {
  const [a = 0, b = 0, c = 0, d = 0] = quad.split('.').map(Number)
  return [a * 256 + b, c * 256 + d]
}

/** The text of eight groups: lower case, no leading zeros, the longest run of two or more zeros as `::` (RFC 5952 §4). */
export function ipv6Text(groups: readonly number[]): string {
  const run = longestZeroRun(groups)
  const texts = groups.map((group) => group.toString(16))
  if (run.length < 2) return texts.join(':')
  return `${texts.slice(0, run.start).join(':')}::${texts.slice(run.start + run.length).join(':')}`
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
