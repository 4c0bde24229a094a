import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { kindByName } from '../model/kinds/index.ts'
import type { ResourceDraft } from '../model/resource.ts'
import { fromWire } from '../model/wire.ts'
import type { Registry } from '../registry/registry.ts'
import { put, TestMesh } from './testing.ts'

/** Kuma's own scenarios of a full sync: what each control plane holds before, and after. Apache-2.0, `conformance/kuma/LICENSE`. */
const conformance = process.env.SKERRY_CONFORMANCE ?? resolve(import.meta.dirname, '../../../shared/conformance')
const folder = join(conformance, 'kuma/pkg/kds/context/testdata/full_sync')
const places = ['global', 'zone-1', 'zone-2'] as const

interface Document {
  readonly type: string
  readonly name: string
  readonly mesh?: string
  readonly labels?: Record<string, string>
  readonly spec?: { readonly state?: string; readonly selector?: object }
  readonly status?: { readonly vips?: object; readonly addresses?: object }
}

const aPolicy: object = { rules: [{ default: { allow: [{}] } }] }

/** Policies that are no kinds here are played by one that travels as they do: what stands in them is nothing to the sync. */
function played(document: Document): Document {
  return kindByName(document.type) || !document.spec ? document : { ...document, type: 'MeshTrafficPermission', spec: aPolicy }
}

function documents(scenario: string, file: string): Document[] {
  const all = parseAllDocuments(readFileSync(join(folder, scenario, file), 'utf8'))
  return all.flatMap(document => (document.toJS() as Document | null) ?? []).map(played)
}

function drafts(scenario: string, place: string): ResourceDraft[] {
  return documents(scenario, `${place}.input.yaml`).map(document => {
    const read = fromWire(document, { strict: false })
    assert.ok(read.kind === 'ok', `${document.type} ${document.name}: ${JSON.stringify(read)}`)
    return read.draft
  })
}

/** Of each resource what sync decides; Kuma fills in defaults besides, and makes its own insights. */
function synced(document: Document) {
  const { type, mesh = '', name, labels = {}, spec, status } = document
  const { state: _defaulted, selector: _ofKuma2, ...told } = spec ?? {}
  return { type, mesh, name, labels, spec: told, vips: status?.vips, addresses: status?.addresses }
}

function held(registry: Registry): Document[] {
  return [...registry.all()].map(({ kind, mesh, name, labels, spec, status }) => {
    const shape = kindByName(kind)?.shape === 'spec' ? { spec: spec as object, status: (status ?? {}) as object } : {}
    return { type: kind, mesh, name, labels: { ...labels }, ...shape }
  })
}

const byName = (a: Document, b: Document) => `${a.type}${a.name}`.localeCompare(`${b.type}${b.name}`)
const isOfControlPlane = (document: Document) => document.type === 'Zone' || document.type === 'ZoneInsight'

const skip = existsSync(folder) ? false : `Kuma's test data is not at ${folder}: set SKERRY_CONFORMANCE`

for (const scenario of ['mesh-only', 'mesh-service', 'policy-simple', 'policy-with-kds-disabled']) {
  test(`full sync as in Kuma: ${scenario}`, { skip }, async () => {
    await using mesh = await TestMesh.start('zone-1', 'zone-2')
    const registries = { global: mesh.global.registry, 'zone-1': mesh.zone('zone-1').registry, 'zone-2': mesh.zone('zone-2').registry }

    for (const place of places) await put(registries[place], ...drafts(scenario, place))
    await mesh.settle(120_000)

    for (const place of places) {
      const golden = documents(scenario, `${place}.golden.yaml`).filter(document => !isOfControlPlane(document))
      assert.deepEqual(held(registries[place]).sort(byName).map(synced), golden.sort(byName).map(synced), place)
    }
  })
}
