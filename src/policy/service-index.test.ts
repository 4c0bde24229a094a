import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { MeshMultiZoneService } from '../model/kinds/mesh-multi-zone-service.ts'
import type { MeshService } from '../model/kinds/mesh-service.ts'
import { selectsDataplane } from '../model/service-instances.ts'
import { matchesLabels } from '../model/target-ref.ts'
import { type ServiceChange, ServiceIndex } from './service-index.ts'
import { anInstance, aResource } from './testing.ts'

const names = ['a', 'b', 'c'] as const
const name = fc.constantFrom(...names)

const aService = fc
  .record({
    name,
    displayName: name,
    zone: fc.constantFrom('here', 'there'),
    selector: fc.constantFrom('workload', 'two', 'ref', 'none'),
    value: name,
    isGone: fc.boolean(),
  })
  .map(({ name, displayName, zone, selector, value, isGone }): ServiceChange => {
    const selectors = {
      workload: { dataplaneLabels: { matchLabels: { 'kuma.io/workload': value } } },
      two: { dataplaneLabels: { matchLabels: { 'kuma.io/workload': value, version: 'v1' } } },
      ref: { dataplaneRef: { name: value } },
      none: {},
    }
    const labels = { 'kuma.io/display-name': displayName, 'kuma.io/zone': zone }
    const resource = aResource<MeshService>('MeshService', name, { selector: selectors[selector as 'none'], ports: [] } as never, labels)
    return { kind: 'MeshService', name, resource: isGone ? undefined : resource }
  })
const aUnion = fc
  .record({
    name,
    label: fc.constantFrom('kuma.io/display-name', 'kuma.io/zone'),
    value: fc.constantFrom(...names, 'here'),
    isGone: fc.boolean(),
  })
  .map(({ name, label, value, isGone }): ServiceChange => {
    const spec = { selector: { meshService: { matchLabels: { [label]: value } } }, ports: [] }
    const resource = aResource<MeshMultiZoneService>('MeshMultiZoneService', name, spec as never)
    return { kind: 'MeshMultiZoneService', name, resource: isGone ? undefined : resource }
  })

test('after any changes it finds what looking at every service finds', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.oneof(aService, aUnion), { maxLength: 5 }), { maxLength: 12 }), commits => {
      let index = ServiceIndex.empty('here')
      const model = new Map<string, MeshService | MeshMultiZoneService>()
      for (const changes of commits) {
        index = index.with(changes)
        for (const { kind, name, resource } of changes) {
          if (resource) model.set(`${kind}/${name}`, resource)
          else model.delete(`${kind}/${name}`)
        }
      }
      const keys = (found: Iterable<{ key: string }>) => [...found].map(({ key }) => key).sort()
      assert.deepEqual(keys(index.byKey.values()), [...model.keys()].sort())
      for (const wanted of names) {
        const named = [...model].filter(([, resource]) => (resource.labels['kuma.io/display-name'] ?? resource.name) === wanted)
        assert.deepEqual(keys(index.named(wanted)), named.map(([key]) => key).sort())
        for (const version of ['v1', 'v2']) {
          const dataplane = anInstance(wanted, wanted, { labels: { version } }) as Dataplane
          const selecting = [...model].filter(
            ([, { kind, labels, spec }]) =>
              kind === 'MeshService' && labels['kuma.io/zone'] === 'here' && selectsDataplane(spec as MeshService['spec'], dataplane),
          )
          assert.deepEqual(keys(index.selecting(dataplane)), selecting.map(([key]) => key).sort())
        }
      }
      for (const service of index.byKey.values()) {
        if (service.kind !== 'MeshService') continue
        const uniting = [...model].filter(
          ([, { kind, spec }]) =>
            kind === 'MeshMultiZoneService' &&
            matchesLabels(service.resource, (spec as MeshMultiZoneService['spec']).selector.meshService.matchLabels),
        )
        assert.deepEqual(keys(index.uniting(service)), uniting.map(([key]) => key).sort())
      }
    }),
  )
})
