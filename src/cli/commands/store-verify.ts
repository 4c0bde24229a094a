import { verifyStore } from '../../registry/sqlite-copy.ts'
import type { Invocation } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { printReport, refuseMissing, storeFileAt, withStoreErrors } from '../store-files.ts'

export async function run(invocation: Invocation): Promise<number> {
  const file = storeFileAt(invocation.args[0]!, invocation.io.cwd)
  refuseMissing(file)
  const report = await withStoreErrors(async () => verifyStore(file))
  await printReport('sound: every record is what was written', report, invocation)
  return exitCodes.ok
}
