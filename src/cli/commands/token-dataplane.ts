import type { Invocation } from '../command.ts'
import { makeToken } from '../tokens.ts'

/** A proxy joins one zone: a zone makes its own; asked for with `-z`, global has that zone make it. */
export async function run(invocation: Invocation): Promise<number> {
  const { mesh, zone, options } = invocation
  const { name, workload, proxyType: type } = options
  return await makeToken('/tokens/dataplane', { mesh, name, workload, type, zone }, invocation)
}
