import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { HostnameGenerator } from '../model/kinds/hostname-generator.ts'
import { formatKey } from '../model/resource.ts'
import { compareAge, compareGenerators, generateHostname, type NameableService } from './hostname-generator.ts'
import { HostnameTable } from './hostname-table.ts'
import { aGenerator, aMultiZoneService, anExternalService, aService } from './test-support.ts'

const external = { selector: { meshExternalService: {} } }

function aTable(
  generators: readonly HostnameGenerator[],
  services: readonly NameableService[],
  generate = generateHostname,
): HostnameTable {
  const table = new HostnameTable('east', generate)
  table.setGenerators(generators)
  for (const service of services) table.set(service)
  return table
}

function generated(table: HostnameTable, service: NameableService): string[] {
  return table.statusOf(formatKey(service))!.addresses.flatMap(it => (it.hostnameGeneratorRef ? [it.hostname] : []))
}

test('the zone’s generators come first, the first to take a name keeps it, and the second is told of the collision', () => {
  const old = { ...aService('b-old'), creationTime: '2026-01-01T00:00:00.000Z' }
  const young = { ...aService('a-young'), creationTime: '2026-02-01T00:00:00.000Z' }
  const same = aGenerator('same', 'one.mesh')
  const ofZone = aGenerator('of-zone', '{{ .Name }}.here', {
    labels: { 'kuma.io/origin': 'zone' },
    creationTime: '2026-03-01T00:00:00.000Z',
  })

  const table = aTable([same, ofZone], [young, old])

  assert.deepEqual(generated(table, old), ['b-old.here', 'one.mesh'])
  assert.deepEqual(generated(table, young), ['a-young.here'])
  assert.deepEqual(table.statusOf(formatKey(young))!.hostnameGenerators, [
    {
      hostnameGeneratorRef: { coreName: 'of-zone' },
      conditions: [{ type: 'Generated', status: 'True', reason: 'Generated', message: '' }],
    },
    {
      hostnameGeneratorRef: { coreName: 'same' },
      conditions: [{ type: 'Generated', status: 'False', reason: 'Collision', message: 'Hostname collision with MeshService: b-old' }],
    },
  ])
})

test('services of different kinds collide, those of different meshes do not', () => {
  const web = { ...aService('web'), creationTime: '2026-01-01T00:00:00.000Z' }
  const api = { ...anExternalService('api'), creationTime: '2026-02-01T00:00:00.000Z' }
  const elsewhere = { ...api, mesh: 'other' }
  const table = aTable([aGenerator('a', 'one.mesh'), aGenerator('b', 'one.mesh', external)], [api, elsewhere, web])

  assert.deepEqual(generated(table, web), ['one.mesh'])
  assert.deepEqual(generated(table, elsewhere), ['one.mesh'])
  assert.deepEqual(
    table.statusOf(formatKey(api))!.hostnameGenerators.map(it => it.conditions?.[0]?.message),
    ['Hostname collision with MeshService: web'],
  )

  assert.deepEqual([...table.delete(formatKey(web))], [formatKey(api)])
  assert.deepEqual(generated(table, api), ['one.mesh'])
})

test('a template that cannot be filled is a condition, and no name', () => {
  const table = aTable([aGenerator('g', '{{ label "team" }}.mesh')], [aService('web')])

  assert.deepEqual(table.statusOf(formatKey(aService('web')))!.hostnameGenerators, [
    {
      hostnameGeneratorRef: { coreName: 'g' },
      conditions: [{ type: 'Generated', status: 'False', reason: 'TemplateError', message: 'label team not found' }],
    },
  ])
})

test('without generators the short name is that of the nearest service, and goes on when that one goes', () => {
  const [own, west, everywhere] = [aService('pay', { zone: 'east' }), aService('pay-w', { zone: 'west' }), aMultiZoneService('pay')]
  const west2 = { ...west, labels: { ...west.labels, 'kuma.io/display-name': 'pay' } }
  const table = aTable([], [west2, own, everywhere])
  const names = (service: NameableService) => table.hostnamesOf(formatKey(service))

  assert.deepEqual(names(everywhere), ['pay.mzsvc.mesh.local', 'pay.mesh'])
  assert.deepEqual(names(own), ['pay.svc.mesh.local'])
  assert.deepEqual(names(west2), ['pay.svc.west.mesh.local'])
  assert.deepEqual(table.statusOf(formatKey(own))!.addresses, [{ hostname: 'pay.svc.mesh.local', origin: 'Skerry' }])

  table.delete(formatKey(everywhere))
  assert.deepEqual(names(own), ['pay.svc.mesh.local', 'pay.mesh'])
  table.delete(formatKey(own))
  assert.deepEqual(names(west2), ['pay.svc.west.mesh.local', 'pay.mesh'])
})

test('what a generator names comes before what has the name of itself', () => {
  const pay = aService('pay')
  const api = anExternalService('api')
  const table = aTable([aGenerator('g', 'pay.mesh', external)], [pay, api])

  assert.deepEqual(generated(table, api), ['pay.mesh'])
  assert.deepEqual(table.hostnamesOf(formatKey(pay)), ['pay.svc.mesh.local'])
})

test('a change that touches no name fills no template; one of a name those of its service; another generator each once', () => {
  const services = ['a', 'b', 'c'].map(name => aService(name))
  let filled = 0
  const table = aTable([aGenerator('g', '{{ .Name }}.x')], services, (...args) => {
    filled++
    return generateHostname(...args)
  })
  const filling = (act: () => ReadonlySet<string>) => {
    filled = 0
    return [act().size, filled]
  }
  const moved = { ...services[0]!, labels: { ...services[0]!.labels }, spec: { state: 'Available' as const }, revision: 9 }

  assert.deepEqual(
    filling(() => table.set(moved)),
    [0, 0],
  )
  assert.deepEqual(
    filling(() => table.set({ ...moved, labels: { team: 'pay' } })),
    [1, 1],
  )
  assert.deepEqual(
    filling(() => table.setGenerators([aGenerator('g', '{{ .Name }}.x')])),
    [0, 0],
  )
  assert.deepEqual(
    filling(() => table.setGenerators([aGenerator('g', '{{ .Name }}.y')])),
    [3, 3],
  )
})

const templates = fc.constantFrom('{{ .Name }}.x', 'fixed.x', '{{ .Zone }}.x', '{{ label "team" }}.x', '{{ .DisplayName }}.mesh', 'a.mesh')
const selectors = fc.constantFrom(
  { meshService: {} },
  { meshService: { matchLabels: { team: 'a' } } },
  { meshMultiZoneService: {} },
  external.selector,
)
const times = fc.constantFrom('2026-01-01T00:00:00.000Z', '2026-02-01T00:00:00.000Z', '2026-03-01T00:00:00.000Z')
const generator = fc
  .record({
    name: fc.constantFrom('g1', 'g2', 'g3'),
    template: templates,
    selector: selectors,
    creationTime: times,
    origin: fc.constantFrom('zone', 'global'),
  })
  .map(({ name, template, origin, ...over }) => aGenerator(name, template, { ...over, labels: { 'kuma.io/origin': origin } }))
const service: fc.Arbitrary<NameableService> = fc
  .record({
    make: fc.constantFrom(aService, aMultiZoneService, anExternalService),
    name: fc.constantFrom('a', 'b', 'c'),
    mesh: fc.constantFrom('default', 'other'),
    creationTime: times,
    labels: fc.constantFrom<Record<string, string>>({}, { team: 'a' }, { 'kuma.io/zone': 'west' }, { 'kuma.io/display-name': 'b' }),
  })
  .map(({ make, name, ...over }) => ({ ...(make as (name: string) => NameableService)(name), ...over }) as NameableService)
const step = fc.oneof(
  service.map(value => ({ kind: 'set' as const, value })),
  service.map(value => ({ kind: 'delete' as const, value })),
  fc.uniqueArray(generator, { selector: it => it.name, maxLength: 3 }).map(value => ({ kind: 'generators' as const, value })),
)

/** Who has which generated name, by walking all generators and all services in their order. */
function takersByHand(generators: readonly HostnameGenerator[], services: readonly NameableService[]): Map<string, string> {
  const takers = new Map<string, string>()
  for (const generator of generators.toSorted(compareGenerators)) {
    for (const service of services.toSorted(compareAge)) {
      const made = generateHostname(generator, service, 'east')
      const key = made.kind === 'name' ? `${service.mesh} ${made.hostname}` : null
      if (key !== null && !takers.has(key)) takers.set(key, formatKey(service))
    }
  }
  return takers
}

test('after any changes the table is as one made anew, its names are those of the rule, no two services have the same, and all who changed were told', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 14 }), steps => {
      const table = new HostnameTable('east')
      const services = new Map<string, NameableService>()
      let generators: readonly HostnameGenerator[] = []
      const told = new Map<string, unknown>()
      for (const { kind, value } of steps) {
        let touched: ReadonlySet<string>
        if (kind === 'generators') {
          generators = value
          touched = table.setGenerators(value)
        } else if (kind === 'set') {
          services.set(formatKey(value), value)
          touched = table.set(value)
        } else {
          services.delete(formatKey(value))
          touched = table.delete(formatKey(value))
          told.delete(formatKey(value))
        }
        for (const key of touched) told.set(key, table.statusOf(key))
      }

      const all = [...services.values()]
      const anew = aTable(generators, all.toReversed())
      for (const key of services.keys()) {
        assert.deepEqual(table.statusOf(key), anew.statusOf(key))
        assert.deepEqual(told.get(key), table.statusOf(key))
      }
      const owners = all.flatMap(it => table.hostnamesOf(formatKey(it)).map(host => `${it.mesh} ${host}`))
      assert.equal(new Set(owners).size, owners.length)
      for (const [name, taker] of takersByHand(generators, all)) assert.ok(table.hostnamesOf(taker).includes(name.split(' ')[1]!), name)
      for (const it of all) {
        const own = new Set(generated(table, it).map(host => `${it.mesh} ${host}`))
        const expected = [...takersByHand(generators, all)].filter(([, taker]) => taker === formatKey(it)).map(([name]) => name)
        assert.deepEqual([...own].sort(), expected.sort())
      }
    }),
    { numRuns: 500 },
  )
})
