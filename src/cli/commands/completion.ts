import { kinds } from '../../model/kinds/index.ts'
import { didYouMean } from '../../std/did-you-mean.ts'
import { usageError } from '../cli-error.ts'
import type { Invocation } from '../command.ts'
import { buildTree, walk } from '../command-line.ts'
import { formatCompletion, shells, type Words } from '../completion-scripts.ts'
import { exitCodes } from '../exit-codes.ts'

export async function run({ args, io }: Invocation): Promise<number> {
  const shell = shells.find(known => known === args[0])
  if (shell === undefined)
    throw usageError(
      `there is no completion for ${JSON.stringify(args[0])}${didYouMean(args[0] ?? '', shells)}`,
      `one of ${shells.join(', ')}`,
    )
  io.out(formatCompletion(shell, collectWords(io)))
  return exitCodes.ok
}

/** Every command line prefix, with the words that may follow it. */
function collectWords(io: Invocation['io']): readonly Words[] {
  const root = buildTree(io, () => {})
  const nouns = kinds.map(kind => kind.path)
  const globalFlags = root.options.flatMap(option => [option.short, option.long]).filter(flag => flag !== undefined)
  return walk(root).map(command => {
    const path: string[] = []
    for (let at = command; at.parent; at = at.parent) path.unshift(at.name())
    const takesKind = ['get', 'delete', 'inspect'].includes(command.name())
    return {
      path,
      words: [
        ...command.commands.map(child => child.name()),
        ...(takesKind ? nouns : []),
        ...(command.name() === 'completion' ? shells : []),
      ],
      flags: [
        ...command.options.flatMap(option => [option.short, option.long]).filter(flag => flag !== undefined),
        ...(path.length > 0 ? globalFlags : []),
        '--help',
      ],
    }
  })
}
