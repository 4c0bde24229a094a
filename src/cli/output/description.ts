import { usageError } from '../cli-error.ts'
import type { Invocation } from '../command.ts'
import { printAnswer } from './format.ts'

/** Prints a document for other programs: as JSON unless `-o yaml` is given; it has no other form. */
export async function printDescription(
  body: object,
  { format, headers, io }: Pick<Invocation, 'format' | 'headers' | 'io'>,
): Promise<void> {
  if (format !== 'table' && format !== 'json' && format !== 'yaml') {
    throw usageError(`this is not printed as ${format}`, 'use -o json or -o yaml')
  }
  const table = () => ({ columns: [], rows: [] })
  await printAnswer({ body, names: [], table }, { format: format === 'table' ? 'json' : format, headers, io })
}
