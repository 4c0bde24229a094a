import { join, resolve } from 'node:path'
import { restoreStore } from '../../registry/sqlite-restore.ts'
import { usageError } from '../cli-error.ts'
import type { Invocation } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { printReport, refuseMissing, storeFileAt, withStoreErrors } from '../store-files.ts'

export async function run(invocation: Invocation): Promise<number> {
  const { options, io } = invocation
  if (typeof options.data !== 'string') throw usageError('where to is missing', 'add --data DIR, the data directory of the control plane')
  const backup = storeFileAt(invocation.args[0]!, io.cwd)
  refuseMissing(backup)
  const file = join(resolve(io.cwd, options.data), 'store.db')
  const report = await withStoreErrors(async () => restoreStore(backup, file, { force: options.force === true }))
  const before = report.replaced === null ? '' : `; what was there lies in ${report.replaced}`
  await printReport(`restored and verified${before}`, report, invocation)
  return exitCodes.ok
}
