import { type DescMessage, fromBinary, type MessageShape } from '@bufbuild/protobuf'
import { unhonoured } from './honoured.ts'

/** What became of one resource. A rejected one goes back to the control plane with its reasons (a NACK), and what was before it stays. */
export type Compiled<T> =
  | { readonly kind: 'accepted'; readonly value: T }
  | { readonly kind: 'rejected'; readonly reasons: readonly string[] }

/** Collects everything that is wrong with a resource, each with the place: `filter_chains[0].filters[1]: …`. */
export class Reasons {
  readonly all: string[] = []

  add(path: string, reason: string): void {
    this.all.push(path === '' ? reason : `${path}: ${reason}`)
  }
}

/**
 * Decodes a resource and hands it to `build`, which reports what it cannot do. Every field that is set and that nobody here reads is a
 * reason to reject: a policy that a proxy does not know must not look as if it were in force.
 */
export function compileResource<Desc extends DescMessage, T>(
  schema: Desc,
  bytes: Uint8Array,
  build: (message: MessageShape<Desc>, reasons: Reasons) => T,
): Compiled<T> {
  let message: MessageShape<Desc>
  try {
    message = fromBinary(schema, bytes)
  } catch (error) {
    return { kind: 'rejected', reasons: [`not a ${schema.typeName}: ${(error as Error).message}`] }
  }
  const unknown = unhonoured(schema, message)
  if (unknown.length > 0) return { kind: 'rejected', reasons: unknown }
  const reasons = new Reasons()
  const value = build(message, reasons)
  return reasons.all.length > 0 ? { kind: 'rejected', reasons: reasons.all } : { kind: 'accepted', value }
}
