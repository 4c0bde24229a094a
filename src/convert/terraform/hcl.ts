/** An expression as it stands in a file. */
export class Expression {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** A call like `jsonencode({...})`. */
export function hclCall(name: string, argument: unknown): Expression {
  return new Expression(`${name}(${hclValue(argument)})`)
}

/** A value as `terraform fmt` would lay it out; `level` is how deep it stands. */
export function hclValue(value: unknown, level = 0): string {
  if (value instanceof Expression) return indented(value.text, level)
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'string') return hclString(value)
  if (Array.isArray(value)) return hclList(value, level)
  if (typeof value !== 'object') return String(value)
  const entries = Object.entries(value)
  if (entries.length === 0) return '{}'
  const pairs = entries.map(([key, item]) => [hclKey(key), hclValue(item, level + 1)] as const)
  return `{\n${assignments(pairs, level + 1)}\n${indent(level)}}`
}

/** `resource "skerry_mesh" "default" { … }` */
export function hclBlock(type: string, labels: readonly string[], body: Readonly<Record<string, unknown>>): string {
  const head = [type, ...labels.map(hclString)].join(' ')
  const pairs = Object.entries(body).map(([key, value]) => [key, hclValue(value, 1)] as const)
  return pairs.length === 0 ? `${head} {\n}\n` : `${head} {\n${assignments(pairs, 1)}\n}\n`
}

function hclList(items: readonly unknown[], level: number): string {
  if (items.length === 0) return '[]'
  const texts = items.map(item => hclValue(item, level + 1))
  if (texts.every(text => !text.includes('\n')) && texts.join(', ').length < 100) return `[${texts.join(', ')}]`
  return `[\n${texts.map(text => `${indent(level + 1)}${text},`).join('\n')}\n${indent(level)}]`
}

/** The signs of equality of neighbours stand below each other, except where a value takes several lines. */
function assignments(pairs: readonly (readonly [key: string, value: string])[], level: number): string {
  const lines: string[] = []
  let group: (readonly [string, string])[] = []
  const flush = () => {
    const width = Math.max(0, ...group.map(([key]) => key.length))
    for (const [key, value] of group) lines.push(`${indent(level)}${key.padEnd(width)} = ${value}`)
    group = []
  }
  for (const [key, value] of pairs) {
    if (!value.includes('\n')) {
      group.push([key, value])
      continue
    }
    flush()
    lines.push(`${indent(level)}${key} = ${value}`)
  }
  flush()
  return lines.join('\n')
}

function hclKey(key: string): string {
  return /^[A-Za-z_][A-Za-z0-9_-]*$/.test(key) ? key : hclString(key)
}

/** As in JSON, but for two escapes that are not known there. `${` and `%{` would begin a template.
 *  https://developer.hashicorp.com/terraform/language/expressions/strings */
export function hclString(text: string): string {
  return JSON.stringify(text)
    .replace(/[$%](?=\{)/g, sign => sign + sign)
    .replace(/\\./g, sequence => ({ '\\b': '\\u0008', '\\f': '\\u000c' })[sequence] ?? sequence)
}

function indent(level: number): string {
  return '  '.repeat(level)
}

function indented(text: string, level: number): string {
  return text.replaceAll('\n', `\n${indent(level)}`)
}
