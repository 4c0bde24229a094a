import { version } from '../../std/version.ts'
import type { Invocation } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { printAnswer } from '../output/format.ts'

export async function run(invocation: Invocation): Promise<number> {
  const body = { product: 'Skerry', version, node: process.version }
  if (invocation.format === 'table') invocation.io.out(`skerry ${version} (Node ${process.versions.node})\n`)
  else {
    const table = () => ({ columns: ['PRODUCT', 'VERSION', 'NODE'], rows: [[body.product, body.version, body.node]] })
    await printAnswer({ body, names: [version], table }, invocation)
  }
  return exitCodes.ok
}
