import type { Law } from './law.ts'
import { lawsOfCalls } from './laws-of-calls.ts'
import { lawsOfMatching } from './laws-of-matching.ts'
import { lawsOfMerging } from './laws-of-merging.ts'
import { lawsOfWholeWorlds } from './laws-of-whole-worlds.ts'

/** What holds for the rules of policies in every world; the quick ones first. */
export const laws: readonly Law[] = [...lawsOfMatching, ...lawsOfCalls, ...lawsOfMerging, ...lawsOfWholeWorlds]
