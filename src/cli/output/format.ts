import type { Io } from '../io.ts'
import { formatTable, type Table } from './table.ts'

export const outputFormats = ['table', 'wide', 'json', 'yaml', 'name', 'jsonl'] as const
export type OutputFormat = (typeof outputFormats)[number]

/** One answer in every form it can be asked in. */
export interface Answer {
  /** The API's body, unchanged. */
  readonly body: unknown
  /** What `jsonl` and `yaml` print one by one; left out when the body is one thing. */
  readonly items?: readonly unknown[]
  readonly names: readonly string[]
  readonly table: (wide: boolean) => Table
}

export interface PrintOptions {
  readonly format: OutputFormat
  readonly headers: boolean
  readonly io: Io
}

export async function printAnswer(answer: Answer, { format, headers, io }: PrintOptions): Promise<void> {
  const items = answer.items ?? [answer.body]
  switch (format) {
    case 'json':
      io.out(`${JSON.stringify(answer.body, null, 2)}\n`)
      return
    case 'jsonl':
      for (const item of items) io.out(`${JSON.stringify(item)}\n`)
      return
    case 'yaml':
      io.out(await toYaml(items))
      return
    case 'name':
      for (const name of answer.names) io.out(`${name}\n`)
      return
    case 'table':
    case 'wide':
      io.out(formatTable(answer.table(format === 'wide'), { headers, ...(format === 'table' && io.columns ? { width: io.columns } : {}) }))
  }
}

/** Documents that `skerry apply -f -` takes again. */
export async function toYaml(items: readonly unknown[]): Promise<string> {
  const { stringify } = await import('yaml')
  return items.map(item => stringify(item, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n')
}
