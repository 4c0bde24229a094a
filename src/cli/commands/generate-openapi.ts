import { openApiDocument } from '../../api/openapi/document.ts'
import type { Invocation } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { printDescription } from '../output/description.ts'

/** The API of control planes of this version, in every role, without asking one. */
export async function run(invocation: Invocation): Promise<number> {
  await printDescription(openApiDocument(), invocation)
  return exitCodes.ok
}
