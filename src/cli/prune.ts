import type { KindDefinition } from '../model/kind.ts'
import { kinds } from '../model/kinds/index.ts'
import { managedByLabel, managedBySkerry, originLabel, zoneLabel } from '../model/labels.ts'
import type { ApiClient } from './api-client.ts'
import type { BulkItem } from './bulk.ts'
import { usageError } from './cli-error.ts'
import type { FileObject } from './file-objects.ts'
import type { WireObject } from './output/wire-object.ts'

/** The labels of what is deleted when the files do not have it. */
export type Pruning = readonly (readonly [label: string, value: string])[]

/**
 * `--prune -l KEY=VALUE`. What the files hold must carry the labels itself: an object without them would be applied now and never be
 * found again when it leaves the files.
 */
export function readPruning(options: Readonly<Record<string, unknown>>, objects: readonly FileObject[]): Pruning | undefined {
  const selectors = (options.selector as readonly string[] | undefined) ?? []
  if (options.prune !== true) {
    if (selectors.length > 0) throw usageError('-l says what to prune', 'add --prune, or leave -l out')
    return undefined
  }
  if (selectors.length === 0)
    throw usageError('--prune: which objects are the files a whole list of?', 'name their label, e.g. -l team=pay')
  const labels = selectors.map((selector): [string, string] => {
    const equals = selector.indexOf('=')
    if (equals < 1) throw usageError(`--selector: ${JSON.stringify(selector)} is not KEY=VALUE`, 'write it as -l team=pay')
    return [selector.slice(0, equals), selector.slice(equals + 1)]
  })
  const without = objects.find(({ body }) => !hasLabels((body.labels ?? {}) as Record<string, string>, labels))
  if (without) {
    const wanted = labels.map(label => label.join('=')).join(' and ')
    throw usageError(
      `${without.place('labels')}: ${without.kind.kind} ${without.name} does not have ${wanted}`,
      'give every object of the files the labels that --prune goes by',
    )
  }
  return labels
}

/** Deletions of what carries the labels, is this control plane's own, written by people, and not in the files. Secrets are left alone. */
export async function findPruned(api: ApiClient, labels: Pruning, objects: readonly FileObject[]): Promise<BulkItem[]> {
  const kept = new Set(objects.map(({ kind, mesh, name }) => `${kind.kind}/${mesh}/${name}`))
  const { zone } = await api.get<{ readonly zone?: string }>('/')
  const query = Object.fromEntries(labels.map(([label, value]) => [`filter[labels.${label}]`, value]))
  const items: BulkItem[] = []
  for (const kind of kinds.filter(isPruned)) {
    const { items: found } = await api.list<WireObject>(`/${kind.path}`, query)
    for (const { mesh = '', name, labels: own = {} } of found) {
      if (kept.has(`${kind.kind}/${mesh}/${name}`) || !isOwn(own, zone) || !hasLabels(own, labels)) continue
      const target = { type: kind.kind, ...(mesh ? { mesh } : {}), name }
      items.push({ kind, mesh, name, body: { delete: target, ignoreNotFound: true } })
    }
  }
  return items
}

function isPruned(kind: KindDefinition): boolean {
  return !kind.readOnly && !kind.secret
}

/** Not a copy of another control plane's, and not generated. `zone` undefined = this is global. */
function isOwn(labels: Readonly<Record<string, string>>, zone: string | undefined): boolean {
  if (labels[managedByLabel] === managedBySkerry) return false
  if (zone === undefined) return labels[originLabel] !== 'zone'
  return labels[originLabel] !== 'global' && (labels[zoneLabel] ?? zone) === zone
}

function hasLabels(labels: Readonly<Record<string, string>>, wanted: Pruning): boolean {
  return wanted.every(([label, value]) => labels[label] === value)
}
