import { crc32 } from 'node:zlib'
import type { ResourceKey, Revision } from '../model/resource.ts'

/** Over everything a record says, so that one bit in a value, a name or a revision shows. `value` is undefined for a deletion. */
export function recordChecksum({ kind, mesh, name }: ResourceKey, revision: Revision, value: string | undefined): number {
  return crc32(`${kind}\0${mesh}\0${name}\0${revision}\0${value ?? ''}`, value === undefined ? 1 : 0)
}

/**
 * Stands for a whole set of records, whatever their order, and is kept up in O(1) for each that comes or goes. Two sums, because either
 * alone is blind to some pairs of errors that undo each other.
 */
export interface Digest {
  readonly count: number
  /** Of checksums, modulo 2^52: exact in a number, also with one more checksum added. */
  readonly sum: number
  readonly xor: number
}

export const emptyDigest: Digest = { count: 0, sum: 0, xor: 0 }

const modulus = 2 ** 52

export function withRecord({ count, sum, xor }: Digest, checksum: number): Digest {
  return { count: count + 1, sum: (sum + checksum) % modulus, xor: (xor ^ checksum) >>> 0 }
}

export function withoutRecord({ count, sum, xor }: Digest, checksum: number): Digest {
  return { count: count - 1, sum: (sum - checksum + modulus) % modulus, xor: (xor ^ checksum) >>> 0 }
}

export function isSameDigest(a: Digest, b: Digest): boolean {
  return a.count === b.count && a.sum === b.sum && a.xor === b.xor
}
