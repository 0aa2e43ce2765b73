/**
 * Keccak-256 as Ethereum and Monero use it: FIPS 202's permutation with the padding of the submission (0x01), which
 * `node:crypto` does not have. Lanes of 64 bits are pairs of 32-bit words, low word first: BigInt takes ten times as long.
 */

const rateBytes = 136

/** @param padding 0x01 for Keccak, 0x06 for SHA-3 (FIPS 202 §6.1): the tests compare the latter with `node:crypto` */
export function keccak256(message: Uint8Array, padding = 0x01): Buffer {
  const padded = Buffer.alloc((Math.floor(message.length / rateBytes) + 1) * rateBytes)
  padded.set(message)
  padded[message.length] = padding
  padded.writeUInt8(padded.readUInt8(padded.length - 1) | 0x80, padded.length - 1)
  const state = new Uint32Array(50)
  for (let start = 0; start < padded.length; start += rateBytes) {
    for (let word = 0; word < rateBytes / 4; word++) xor(state, word, padded.readUInt32LE(start + word * 4))
    permute(state)
  }
  const digest = Buffer.alloc(32)
  for (let word = 0; word < 8; word++) digest.writeUInt32LE(at(state, word), word * 4)
  return digest
}

const at = (words: Uint32Array, index: number): number => words[index] ?? 0
const xor = (words: Uint32Array, index: number, value: number): void => {
  words[index] = at(words, index) ^ value
}

/** FIPS 202 §3.2.2 and §3.2.3: where ρ and π move each lane, and by how much they turn it. */
const moves: { readonly to: number; readonly turn: number }[] = []
for (let t = 0, x = 1, y = 0; t < 24; t++) {
  ;[x, y] = [y, (2 * x + 3 * y) % 5]
  moves.push({ to: x + 5 * y, turn: (((t + 1) * (t + 2)) / 2) % 64 })
}

/** FIPS 202 §3.2.5: the constants of ι, low and high word of each round, from the shift register. */
const constants = new Uint32Array(48)
for (let round = 0, register = 1; round < 24; round++) {
  for (let j = 0; j < 7; j++) {
    const bit = (1 << j) - 1
    if ((register & 1) === 1) xor(constants, 2 * round + (bit >> 5), 1 << (bit & 31))
    register = ((register << 1) ^ ((register >> 7) * 0x171)) & 0xff
  }
}

function permute(state: Uint32Array): void {
  const columns = new Uint32Array(10)
  const row = new Uint32Array(10)
  for (let round = 0; round < 24; round++) {
    theta(state, columns)
    rhoPi(state)
    chi(state, row)
    xor(state, 0, at(constants, 2 * round))
    xor(state, 1, at(constants, 2 * round + 1))
  }
}

function theta(state: Uint32Array, columns: Uint32Array): void {
  for (let word = 0; word < 10; word++) {
    columns[word] =
      at(state, word) ^ at(state, word + 10) ^ at(state, word + 20) ^ at(state, word + 30) ^ at(state, word + 40)
  }
  for (let x = 0; x < 5; x++) {
    const left = 2 * ((x + 4) % 5)
    const right = 2 * ((x + 1) % 5)
    const low = at(columns, left) ^ ((at(columns, right) << 1) | (at(columns, right + 1) >>> 31))
    const high = at(columns, left + 1) ^ ((at(columns, right + 1) << 1) | (at(columns, right) >>> 31))
    for (let y = 0; y < 5; y++) {
      xor(state, 2 * (x + 5 * y), low)
      xor(state, 2 * (x + 5 * y) + 1, high)
    }
  }
}

function rhoPi(state: Uint32Array): void {
  let low = at(state, 2)
  let high = at(state, 3)
  for (const { to, turn } of moves) {
    const [heldLow, heldHigh] = [at(state, 2 * to), at(state, 2 * to + 1)]
    if (turn >= 32) [low, high] = [high, low]
    const by = turn & 31
    state[2 * to] = by === 0 ? low : (low << by) | (high >>> (32 - by))
    state[2 * to + 1] = by === 0 ? high : (high << by) | (low >>> (32 - by))
    low = heldLow
    high = heldHigh
  }
}

function chi(state: Uint32Array, row: Uint32Array): void {
  for (let y = 0; y < 50; y += 10) {
    for (let word = 0; word < 10; word++) row[word] = at(state, y + word)
    for (let word = 0; word < 10; word++) {
      xor(state, y + word, ~at(row, (word + 2) % 10) & at(row, (word + 4) % 10))
    }
  }
}
