import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { kindByName } from '../model/kinds/index.ts'
import { formatKey, type Resource, type ResourceDraft } from '../model/resource.ts'
import type { Registry } from '../registry/registry.ts'
import { canonicalJson } from './codec.ts'
import { aDraft, put, remove, TestMesh } from './testing.ts'
import { isFromGlobal, owedToGlobal, owedToZone, zoneOfOrigin } from './visibility.ts'

const zones = ['aws-1', 'azure-1'] as const
const name = fc.constantFrom('a', 'b', 'c')
const zone = fc.constantFrom(...zones)
const state = fc.constantFrom('Available', 'Unavailable')
const aBundle = { type: 'Pem', pem: { value: '-----BEGIN CERTIFICATE-----' } }

type Step =
  | { readonly kind: 'zone put' | 'zone delete'; readonly zone: string; readonly draft: ResourceDraft }
  | { readonly kind: 'global put' | 'global delete'; readonly draft: ResourceDraft }
  | { readonly kind: 'tamper'; readonly zone: string; readonly pick: number }
  | { readonly kind: 'cut' | 'cut off' | 'heal'; readonly zone: string }
  | { readonly kind: 'restart global' }
  | { readonly kind: 'wait'; readonly ms: number }

const ofZone = fc.oneof(
  fc.record({ zone, draft: fc.tuple(name, state).map(([named, is]) => aDraft('MeshService', named, { spec: { state: is } })) }),
  fc.record({
    zone,
    draft: fc.tuple(name, state).map(([named, is]) => aDraft('Mesh', named, { labels: { 'kuma.io/origin': 'zone', is } })),
  }),
  fc.tuple(zone, zone, name).map(([of, domain, named]) => {
    const spec = { trustDomain: `default.${domain}.mesh.local`, caBundles: [aBundle] }
    return { zone: of as string, draft: aDraft('MeshTrust', named, { spec }) }
  }),
)
const ofGlobal = fc.oneof(
  name.map(named => aDraft('Mesh', named)),
  fc.tuple(zone, fc.boolean()).map(([named, enabled]) => aDraft('Zone', named, { spec: { enabled } })),
  fc
    .tuple(name, fc.constantFrom('1', '2'))
    .map(([named, v]) => aDraft('MeshTrust', named, { labels: { v }, spec: { trustDomain: 'corp.example', caBundles: [aBundle] } })),
)

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: ofZone.map(edit => ({ kind: 'zone put' as const, ...edit })) },
  { weight: 3, arbitrary: ofZone.map(edit => ({ kind: 'zone delete' as const, ...edit })) },
  { weight: 4, arbitrary: ofGlobal.map(draft => ({ kind: 'global put' as const, draft })) },
  { weight: 2, arbitrary: ofGlobal.map(draft => ({ kind: 'global delete' as const, draft })) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('tamper' as const), zone, pick: fc.nat(9) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom('cut' as const, 'cut off' as const, 'heal' as const), zone }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart global' as const }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(0, 0, 50, 1_000) }) },
)

async function take(mesh: TestMesh, action: Step): Promise<void> {
  switch (action.kind) {
    case 'zone put':
    case 'zone delete': {
      const { registry } = mesh.zone(action.zone)
      // As the API does: what came from global is not a zone's to write.
      const stored = registry.get(action.draft)
      if (stored && isFromGlobal(stored)) return
      return void (await (action.kind === 'zone put' ? put : remove)(registry, action.draft))
    }
    case 'global put':
      return void (await put(mesh.global.registry, action.draft))
    case 'global delete':
      return void (await remove(mesh.global.registry, action.draft))
    case 'tamper': {
      const held = [...mesh.zone(action.zone).registry.all()].filter(isFromGlobal)
      const stored = held[action.pick % held.length]
      if (stored) await remove(mesh.zone(action.zone).registry, stored)
      return
    }
    case 'cut':
      return mesh.zone(action.zone).cut()
    case 'cut off':
      return mesh.zone(action.zone).cut('until healed')
    case 'heal':
      return mesh.zone(action.zone).heal()
    case 'restart global':
      await mesh.stopGlobal()
      return mesh.startGlobal()
    case 'wait':
      return mesh.clock.run(action.ms)
  }
}

const asMap = (drafts: Iterable<ResourceDraft>) =>
  Object.fromEntries([...drafts].map(draft => [formatKey(draft), canonicalJson([draft.labels, draft.spec])]))

/** What `registry` should hold of `sources`, taking no notice of how anything travels. */
function expected(
  registry: Registry,
  sources: Iterable<Resource>,
  form: (resource: Resource) => ResourceDraft | null,
  isOwn: (r: Resource) => boolean,
) {
  const forms = [...sources].flatMap(resource => form(resource) ?? [])
  return asMap(
    forms.filter(draft => {
      const stored = registry.get(draft)
      return !(stored && isOwn(stored))
    }),
  )
}

test('whatever is edited, cut, restarted or tampered with, all registries end with what they owe each other, and a zone keeps its own', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async steps => {
      await using mesh = await TestMesh.start(...zones)
      const own = new Map<string, Map<string, ResourceDraft>>(zones.map(named => [named, new Map()]))

      for (const action of steps) {
        if (action.kind === 'zone put' || action.kind === 'zone delete') {
          const stored = mesh.zone(action.zone).registry.get(action.draft)
          if (!(stored && isFromGlobal(stored))) {
            if (action.kind === 'zone put') own.get(action.zone)!.set(formatKey(action.draft), action.draft)
            else own.get(action.zone)!.delete(formatKey(action.draft))
          }
        }
        await take(mesh, action)
      }
      for (const named of zones) mesh.zone(named).heal()
      await mesh.settle(150_000)

      const { registry: global } = mesh.global
      for (const named of zones) {
        const { registry, side } = mesh.zone(named)
        const enabled = (of: string) =>
          (global.get({ kind: 'Zone', mesh: '', name: of })?.spec as { enabled?: boolean } | undefined)?.enabled !== false
        const up = (resource: Resource) => owedToGlobal(named, resource, kindByName(resource.kind)!)
        const down = (resource: Resource) => owedToZone(named, resource, kindByName(resource.kind)!, enabled)
        const fromThisZone = [...global.all()].filter(resource => zoneOfOrigin(resource) === named)
        const [fromGlobal, made] = [
          [...registry.all()].filter(isFromGlobal),
          [...registry.all()].filter(resource => !isFromGlobal(resource)),
        ]

        assert.deepEqual(
          asMap(fromThisZone),
          expected(global, registry.all(), up, resource => zoneOfOrigin(resource) !== named),
        )
        assert.deepEqual(
          asMap(fromGlobal),
          expected(registry, global.all(), down, resource => !isFromGlobal(resource)),
        )
        assert.deepEqual(asMap(made), asMap(own.get(named)!.values()))
        assert.equal(side.facts.connected, true)
        assert.deepEqual([side.facts.behind, mesh.global.facts.get(named)?.behind], [[], []])
      }
    }),
    { numRuns: 80 },
  )
})
