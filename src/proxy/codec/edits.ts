import type { HeaderEdits } from '../compile/table.ts'
import { type Head, isName } from './head.ts'

/** Header edits as the composers need them. */
export interface Edits {
  /** Lower case: fields that do not travel on, replaced ones among them. */
  readonly remove: readonly string[]
  /** Whole lines. */
  readonly append: Buffer
  readonly replacesHost: boolean
}

export const noEdits: Edits = { remove: [], append: Buffer.alloc(0), replacesHost: false }

/** Fields that say where a message ends belong to the codec. */
const FRAMING = new Set(['connection', 'content-length', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'])

/** Later ones see what earlier ones did: a value that one sets and the next removes is gone. Names and values that would break a head are left out. */
export function prepareEdits(...stages: readonly HeaderEdits[]): Edits {
  const remove = new Set<string>()
  let lines: { name: string; value: string }[] = []
  for (const stage of stages) {
    const gone = new Set(
      [...stage.remove.map(name => name.toLowerCase()), ...stage.set.map(({ name }) => name.toLowerCase())].filter(
        name => !FRAMING.has(name),
      ),
    )
    lines = lines.filter(({ name }) => !gone.has(name))
    for (const name of gone) remove.add(name)
    for (const { name, value } of [...stage.set, ...stage.add]) {
      const lower = name.toLowerCase()
      if (isFieldName(lower) && !FRAMING.has(lower) && isFieldValue(value)) lines.push({ name: lower, value })
    }
  }
  if (remove.size === 0 && lines.length === 0) return noEdits
  const append = Buffer.from(lines.map(({ name, value }) => `${name}: ${value}\r\n`).join(''), 'latin1')
  return { remove: [...remove], append, replacesHost: lines.some(({ name }) => name === 'host') }
}

export function isRemoved(edits: Edits, bytes: Buffer, head: Head, field: number): boolean {
  const { remove } = edits
  const from = head.nameFrom[field]!
  const length = head.nameTo[field]! - from
  for (let i = 0; i < remove.length; i++) if (remove[i]!.length === length && isName(bytes, from, remove[i]!)) return true
  return false
}

function isFieldName(name: string): boolean {
  return /^[!#$%&'*+.^`|~0-9a-z-]+$/.test(name)
}

function isFieldValue(value: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
}
