import type { Invocation } from '../command.ts'
import { makeToken } from '../tokens.ts'

export async function run(invocation: Invocation): Promise<number> {
  return await makeToken('/tokens/user', { name: invocation.args[0], groups: invocation.options.group ?? [] }, invocation)
}
