import { resolve } from 'node:path'
import { backupStore } from '../../registry/sqlite-copy.ts'
import { usageError } from '../cli-error.ts'
import type { Invocation } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { printReport, refuseMissing, storeFileAt, withStoreErrors } from '../store-files.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { out } = invocation.options
  if (typeof out !== 'string') throw usageError('where to is missing', 'add --out FILE')
  const file = storeFileAt(invocation.args[0]!, invocation.io.cwd)
  refuseMissing(file)
  const report = await withStoreErrors(async () => backupStore(file, resolve(invocation.io.cwd, out)))
  await printReport('backed up and verified; it holds private keys: keep it as safe as the store', report, invocation)
  return exitCodes.ok
}
