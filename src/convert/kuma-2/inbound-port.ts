import { protocol } from '../../model/schema.ts'
import type { Field } from '../field.ts'

/** Numbers of an inbound; null when it has none. */
export function portOfInbound(inbound: Field): { readonly inbound: number; readonly application: number } | null {
  const port = inbound.member('port')?.value
  const servicePort = inbound.member('servicePort')?.value
  if (typeof port !== 'number') return null
  return { inbound: port, application: typeof servicePort === 'number' ? servicePort : port }
}

/** An application protocol that there still is; undefined for any other. */
export function protocolOf(tag: string | undefined): string | undefined {
  return (protocol.enum as readonly string[]).find(known => known === tag)
}
