import type { SecureDataSource } from '../../model/schema.ts'
import type { Field } from '../field.ts'

/** Kuma 2's `{secret}`, `{file}`, `{inline}` (base64) or `{inlineString}`; undefined for anything else. */
export function dataSource(field: Field | undefined): SecureDataSource | undefined {
  const secret = field?.member('secret')
  if (secret !== undefined) return { type: 'Secret', secretRef: { kind: 'Secret', name: String(secret.keep('as secretRef')) } }
  const file = field?.member('file')
  if (file !== undefined) return { type: 'File', file: { path: String(file.keep()) } }
  const text = field?.member('inlineString')
  if (text !== undefined) return { type: 'InsecureInline', insecureInline: { value: String(text.keep('as insecureInline')) } }
  const inline = field?.member('inline')
  if (inline === undefined) return undefined
  // A wrapper of bytes may stand as an object.
  const bytes = inline.text('value') ?? String(inline.value)
  inline.keep('as insecureInline')
  return { type: 'InsecureInline', insecureInline: { value: Buffer.from(bytes, 'base64').toString('utf8') } }
}
