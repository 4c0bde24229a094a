import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse } from 'yaml'
import { readTextIfThere } from './data.ts'
import type { ConformanceCase } from './suite.ts'

/** Case → why it is not met. The reasons are few: `removed in 3.0`, `k8s form`, `3.0 drift`, `deliberate: PAGE` with a page of docs/decisions,
 *  and over HTTP alone `needs the store`: it rests on what no API writes. */
export type Ledger = ReadonlyMap<string, string>

const plainReasons: readonly string[] = ['removed in 3.0', 'k8s form', '3.0 drift', 'needs the store']
const decisions = resolve(import.meta.dirname, '../../docs/decisions')

/** The ledger of a suite; empty when it has none. Throws when a reason is none of those that count. */
export function readLedger(suite: string, folder = join(import.meta.dirname, 'ledger')): Ledger {
  const text = readTextIfThere(folder, `${suite}.yaml`)
  const entries = Object.entries((text === undefined ? null : (parse(text) as Record<string, string> | null)) ?? {})
  for (const [name, reason] of entries) {
    const wrong = wrongReason(reason)
    if (wrong) throw new Error(`ledger/${suite}.yaml: ${name}: ${wrong}`)
  }
  return new Map(entries)
}

export type Verdict =
  | { readonly kind: 'passed' }
  /** Not met, and the ledger says why. */
  | { readonly kind: 'excused'; readonly reason: string; readonly difference: string }
  | { readonly kind: 'failed'; readonly difference: string }

/** Runs a case and holds it to the ledger: an excuse for what passes has had its day, and fails. */
export async function judge(test: ConformanceCase, ledger: Ledger): Promise<Verdict> {
  const reason = ledger.get(test.name)
  const difference = await differenceOf(test)
  if (reason === undefined) return difference === '' ? { kind: 'passed' } : { kind: 'failed', difference }
  if (difference !== '') return { kind: 'excused', reason, difference }
  return { kind: 'failed', difference: `it passes, and the ledger still says "${reason}": take the line out` }
}

/** Entries that no case has. */
export function unknownEntries(ledger: Ledger, cases: readonly ConformanceCase[]): string[] {
  const names = new Set(cases.map(({ name }) => name))
  return [...ledger.keys()].filter(name => !names.has(name))
}

async function differenceOf({ run }: ConformanceCase): Promise<string> {
  try {
    return await run()
  } catch (error) {
    const { message, stack } = error as Error
    const [, where = ''] = /^\s+(at .*)$/m.exec(stack ?? '') ?? []
    return `it failed: ${message} (${where})`
  }
}

function wrongReason(reason: unknown): string | undefined {
  if (typeof reason !== 'string') return 'the reason must be a text'
  if (plainReasons.includes(reason)) return undefined
  const page = /^deliberate: ([a-z0-9-]+)$/.exec(reason)?.[1]
  if (page === undefined) return `"${reason}" is none of ${plainReasons.join(', ')}, deliberate: PAGE`
  return existsSync(join(decisions, `${page}.md`)) ? undefined : `there is no docs/decisions/${page}.md`
}
