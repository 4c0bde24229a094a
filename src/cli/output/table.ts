export interface Table {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** Columns as wide as their widest cell, three spaces between. With a `width`, lines are cut there: a table never wraps. */
export function formatTable(table: Table, { headers, width }: { headers: boolean; width?: number }): string {
  const lines = headers ? [table.columns, ...table.rows] : table.rows
  const widths = table.columns.map((_, column) => Math.max(0, ...lines.map(line => lengthOf(line[column] ?? ''))))
  return lines.map(line => `${cut(formatLine(line, widths), width)}\n`).join('')
}

/** `key  value` lines, keys aligned. */
export function formatFields(fields: readonly (readonly [string, string])[], indent = ''): string {
  const widest = Math.max(0, ...fields.map(([key]) => key.length))
  return fields.map(([key, value]) => `${indent}${key.padEnd(widest)}  ${value}\n`).join('')
}

/** A table under its title, indented; nothing at all when it has no rows. */
export function section(title: string, table: Table): string {
  if (table.rows.length === 0) return ''
  return `\n${title}\n${formatTable(table, { headers: true }).replaceAll(/^(?=.)/gm, '  ')}`
}

function formatLine(cells: readonly string[], widths: readonly number[]): string {
  return widths
    .map((width, column) => {
      const cell = (cells[column] ?? '').replaceAll(/[\n\r\t]+/g, ' ')
      return cell + ' '.repeat(Math.max(0, width - lengthOf(cell)))
    })
    .join('   ')
    .trimEnd()
}

function cut(line: string, width: number | undefined): string {
  const characters = [...line]
  return width === undefined || characters.length <= width ? line : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`
}

function lengthOf(text: string): number {
  return [...text].length
}
