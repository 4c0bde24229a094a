import { readFile } from 'node:fs/promises'
import { computedLabels } from '../../model/compute-labels.ts'
import type { DiscoverySource } from '../../model/kinds/discovery-source.ts'
import { managedByLabel, managedBySettings, zoneLabel } from '../../model/labels.ts'
import type { ResourceDraft } from '../../model/resource.ts'
import { fromWire } from '../../model/wire.ts'
import type { Registry, RegistryChange } from '../../registry/registry.ts'

/** The file with the zone's sources cannot be used as it is. */
export class SourcesFileError extends Error {
  override name = 'SourcesFileError'
  readonly code = 'SKERRY_DISCOVERY_SOURCES'

  constructor(path: string, reason: string) {
    super(`--discovery-sources: ${path}: ${reason}`)
  }
}

/** Brings the zone's DiscoverySources to what the file of its settings says: what an earlier one said, and this one does not, is deleted. */
export async function applySourcesFile(registry: Registry, zone: string, path: string | undefined): Promise<void> {
  const drafts = path === undefined ? [] : await readSources(path)
  const stated = new Set(drafts.map(({ mesh, name }) => `${mesh}/${name}`))
  const existing = registry.list<DiscoverySource>('DiscoverySource').filter(source => isOurs(source, zone))
  const deletions = existing
    .filter(({ mesh, name }) => !stated.has(`${mesh}/${name}`))
    .map(({ kind, mesh, name }): RegistryChange => ({ kind: 'delete', key: { kind, mesh, name } }))
  const puts = drafts.map((draft): RegistryChange => {
    const current = registry.get<DiscoverySource>(draft)
    if (current !== undefined && !isOurs(current, zone))
      throw new SourcesFileError(
        path ?? '',
        `DiscoverySource ${draft.name} is in mesh ${draft.mesh} already, and not from this file: give it another name`,
      )
    const labels = { ...draft.labels, [managedByLabel]: managedBySettings }
    const status = current?.status
    const whole = { ...draft, labels, ...(status === undefined ? {} : { status }) }
    return { kind: 'put', draft: { ...whole, labels: { ...labels, ...computedLabels(whole, { mode: 'zone', zone }) } } }
  })
  await registry.commit([...deletions, ...puts])
}

async function readSources(path: string): Promise<ResourceDraft[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new SourcesFileError(path, (error as Error).message)
  }
  const { parseAllDocuments } = await import('yaml')
  const documents = parseAllDocuments(text, { prettyErrors: false })
  return ('empty' in documents ? [] : documents).flatMap(document => {
    const problem = document.errors[0]
    if (problem) throw new SourcesFileError(path, problem.message)
    const value: unknown = document.toJS({ maxAliasCount: 100 })
    if (value === null) return []
    return (Array.isArray(value) ? value : [value]).map(resource => readSource(path, resource))
  })
}

function readSource(path: string, resource: unknown): ResourceDraft {
  const read = fromWire({ type: 'DiscoverySource', mesh: 'default', ...(resource as object) }, { strict: true })
  if (read.kind === 'invalid') {
    const { name = '?' } = (resource ?? {}) as { readonly name?: string }
    throw new SourcesFileError(path, `source ${name}: ${read.violations.map(({ field, reason }) => `${field}: ${reason}`).join('; ')}`)
  }
  if (read.draft.kind !== 'DiscoverySource') throw new SourcesFileError(path, `${read.draft.kind} ${read.draft.name} is no DiscoverySource`)
  return read.draft
}

function isOurs({ labels }: DiscoverySource, zone: string): boolean {
  return labels[managedByLabel] === managedBySettings && (labels[zoneLabel] ?? zone) === zone
}
