import { hash } from 'node:crypto'
import { anyBytes, bytesField, concatBytes, ownBytes, stringField } from '../std/wire.ts'

/** A resource as it travels. Encoded once; every stream that sends it shares these bytes. */
export interface EncodedResource {
  readonly name: string
  /** Digest of the content: equal on every replica, so a client that changes over gets nothing twice. */
  readonly version: string
  /** Field `resources` of a DeltaDiscoveryResponse. */
  readonly delta: Uint8Array
  /** Field `resources` of a DiscoveryResponse; part of `delta`. */
  readonly sotw: Uint8Array
  /** What was encoded; part of `delta`. */
  readonly value: Uint8Array
}

/**
 * @param typeUrl of the message in `value`
 * @param value must be encoded deterministically (maps in sorted order), or equal content gets different versions
 */
export function encodeResource(typeUrl: string, name: string, value: Uint8Array): EncodedResource {
  const version = hash('sha256', value, 'base64url').slice(0, 12)
  // Resource{ version = 1, resource = 2 (Any), name = 3 }; the Any is field 2 in a DiscoveryResponse as well, so its bytes serve both.
  const head = stringField(1, version)
  const any = bytesField(2, anyBytes(typeUrl, value))
  const tail = stringField(3, name)
  const delta = ownBytes(bytesField(2, concatBytes([head, any, tail])))
  const anyEnd = delta.length - tail.length
  return {
    name,
    version,
    delta,
    sotw: delta.subarray(anyEnd - any.length, anyEnd),
    value: delta.subarray(anyEnd - value.length, anyEnd),
  }
}

/** Field `resources` of a DeltaDiscoveryResponse that says: this name was looked up and stands for nothing. */
export function encodeAbsence(name: string): Uint8Array {
  return bytesField(2, concatBytes([stringField(3, name), stringField(4, name)]))
}
