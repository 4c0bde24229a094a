import type { Type } from '../cty/type.ts'
import type { PluginLog } from '../serve/log.ts'
import type { Message } from '../wire/protobuf.ts'
import { ProviderError, problemsOf, wireDiagnostics } from './problem.ts'

/** Turns what is thrown into what Terraform shows. */
export async function answer(type: Type, log: PluginLog, act: () => Promise<Message>): Promise<Message> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof ProviderError)) log('error', 'a call failed', { stack: (error as Error).stack })
    return { diagnostics: wireDiagnostics(type, problemsOf(error)) }
  }
}

/** Terraform asks only for what the schema names. */
export function entry<Entry>(table: { readonly [name: string]: Entry }, name: string): Entry {
  const found = table[name]
  if (found === undefined) throw new RangeError(`the provider has no ${name}`)
  return found
}
