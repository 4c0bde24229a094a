import type { Invocation } from '../command.ts'
import { makeToken } from '../tokens.ts'

/** A person asks for a new one each working day. */
const workingDay = '12h'

export async function run(invocation: Invocation): Promise<number> {
  const { args, options, io } = invocation
  const groups = (options.group as readonly string[] | undefined) ?? []
  const exitCode = await makeToken('/tokens/user', { name: args[0], groups, validFor: workingDay }, invocation)
  if (groups.length === 0) io.err(`the token is of no group: it gives what AccessRoleBindings give to user ${args[0]}\n`)
  return exitCode
}
