import {
  type Adapter,
  type AdapterDeps,
  type OpenAdapter,
  type Scope,
  type Source,
  SourceCallError,
  SourceConfigError,
} from '../../adapters/adapter.ts'
import { countCalls, countedBudget } from '../../adapters/counted-calls.ts'
import type { SourceTest } from '../../api/discovery.ts'
import { explainItem } from './explain.ts'

export interface Trial {
  readonly source: Source
  /** As people call it. */
  readonly name: string
  readonly zone: string
  readonly load: () => Promise<Adapter>
  readonly deps: AdapterDeps
}

/** Lists a source once, beside what runs of it, and changes nothing. Never throws for what the platform does; when the signal aborts, with what there is. */
export async function trySource({ source, name, zone, load, deps }: Trial, signal: AbortSignal): Promise<SourceTest> {
  const told = { zone, source: name }
  try {
    const adapter = await load()
    await using open = await adapter.open(source, { ...deps, budget: countedBudget(deps.budget) })
    const { scopes, complete, missing } = await open.scopes(signal)
    const tried: SourceTest['scopes'][number][] = []
    for (const scope of scopes) tried.push(await tryScope(open, scope, zone, deps, signal))
    const nothing = scopes.length === 0 && complete ? 'the platform has nothing of what the source asks for' : ''
    return { ...told, error: complete ? nothing : `not all scopes are known: ${missing.join('; ')}`, fix: '', scopes: tried }
  } catch (error) {
    return { ...told, error: messageOf(error), fix: fixOf(error), scopes: [] }
  }
}

async function tryScope(
  open: OpenAdapter,
  scope: Scope,
  zone: string,
  { clock }: AdapterDeps,
  signal: AbortSignal,
): Promise<SourceTest['scopes'][number]> {
  const startedAtMs = clock.monotonic()
  const nothing = { scope: scope.id, complete: false, missing: [], pages: 0, calls: 0, things: [] }
  if (scope.suspended !== undefined) return { ...nothing, error: scope.suspended, tookMs: 0 }
  try {
    const { result, calls } = await countCalls(() => open.list(scope, signal))
    const { complete, missing, pages, items } = result
    return {
      scope: scope.id,
      complete,
      missing,
      error: '',
      pages,
      calls,
      tookMs: Math.round(clock.monotonic() - startedAtMs),
      things: items.map(item => explainItem(item, { zone, scope: scope.id }, undefined)),
    }
  } catch (error) {
    const fix = fixOf(error)
    return { ...nothing, error: `${messageOf(error)}${fix === '' ? '' : `; ${fix}`}`, tookMs: Math.round(clock.monotonic() - startedAtMs) }
  }
}

/** What to do about it, for people. */
export function fixOf(error: unknown): string {
  if (error instanceof SourceConfigError) return `mend ${error.field} of the DiscoverySource`
  if (!(error instanceof SourceCallError)) return ''
  switch (error.what) {
    case 'denied':
      return 'give the identity of the control plane the right to read this, or name other credentials in the source'
    case 'unreachable':
      return 'check the address, and that the control plane reaches it (network, proxy, CA)'
    case 'throttled':
      return 'wait, or lower limits.requestsPerSecond, or raise limits.interval: others use the same account, too'
    default:
      return ''
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
