import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { kindByName } from '../../src/model/kinds/index.ts'
import type { ResourceDraft } from '../../src/model/resource.ts'
import { fromWire } from '../../src/model/wire.ts'
import type { Registry } from '../../src/registry/registry.ts'
import { put, TestMesh } from '../../src/sync/testing.ts'
import { readText, yamlDocuments } from './data.ts'
import { jsonDifference } from './difference.ts'
import type { ConformanceCase, ConformanceSuite } from './suite.ts'

const places = ['global', 'zone-1', 'zone-2'] as const

interface Document {
  readonly type: string
  readonly name: string
  readonly mesh?: string
  readonly labels?: Record<string, string>
  readonly spec?: object
  readonly status?: { readonly vips?: object; readonly addresses?: object }
}

/** Kuma's scenarios of a full sync: what each control plane holds before, and after. */
export const syncSuite: ConformanceSuite = {
  name: 'sync',
  open: dataFolder => {
    const folder = join(dataFolder, 'pkg/kds/context/testdata/full_sync')
    return {
      cases: readdirSync(folder)
        .sort()
        .map(scenario => caseOf(folder, scenario)),
    }
  },
}

function caseOf(folder: string, scenario: string): ConformanceCase {
  const documents = (file: string) => yamlDocuments<Document>(readText(join(folder, scenario), file))
  return {
    name: scenario,
    run: async () => {
      await using mesh = await TestMesh.start('zone-1', 'zone-2')
      const registries = { global: mesh.global.registry, 'zone-1': mesh.zone('zone-1').registry, 'zone-2': mesh.zone('zone-2').registry }
      for (const place of places) await put(registries[place], ...documents(`${place}.input.yaml`).map(draftOf))
      await mesh.settle(120_000)
      return places
        .map(place => {
          const golden = documents(`${place}.golden.yaml`).filter(document => !isOfControlPlane(document))
          const difference = jsonDifference(shown(held(registries[place])), shown(golden))
          return difference && `${place}: ${difference}`
        })
        .filter(Boolean)
        .join('\n')
    },
  }
}

function draftOf(document: Document): ResourceDraft {
  const read = fromWire(document, { strict: false })
  if (read.kind === 'invalid') throw new Error(`${document.type} ${document.name}: ${JSON.stringify(read.violations)}`)
  return read.draft
}

function isOfControlPlane({ type }: Document): boolean {
  return type === 'Zone' || type === 'ZoneInsight'
}

function held(registry: Registry): Document[] {
  return [...registry.all()].map(({ kind, mesh, name, labels, spec, status }) => {
    const shape = kindByName(kind)?.shape === 'spec' ? { spec: spec as object, status: (status ?? {}) as object } : {}
    return { type: kind, mesh, name, labels: { ...labels }, ...shape }
  })
}

/** By type and name, what sync decides of each: Kuma fills in defaults besides. */
function shown(documents: readonly Document[]): Record<string, unknown> {
  const entries = documents.map(({ type, mesh = '', name, labels = {}, spec = {}, status }) => {
    const { state: _defaulted, selector: _ofKuma2, ...told } = spec as { state?: unknown; selector?: unknown }
    return [`${type} ${mesh} ${name}`, { labels, spec: told, vips: status?.vips, addresses: status?.addresses }] as const
  })
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}
