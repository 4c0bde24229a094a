import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { DiscoverySourceSpec } from '../model/kinds/discovery-source.ts'
import { validateLabels } from '../model/validate.ts'
import { itemOf, type NativeWorkload, readSafely } from './found.ts'
import { fitsPattern } from './selection.ts'

const native: NativeWorkload = {
  name: 'checkout-7f',
  namespace: 'prod',
  labels: { team: 'pay', Name: 'Check Out' },
  services: ['checkout'],
  version: '12',
  address: '10.0.0.1',
  ports: [{ port: 8080, name: 'http', protocol: 'HTTP2' }],
  state: 'ready',
  locality: { region: 'eu' },
}
const found = (over: Partial<NativeWorkload> = {}, spec: Partial<DiscoverySourceSpec> = {}) => {
  const { outcome, facts } = itemOf({ id: 'a' }, { ...native, ...over }, { type: 'ECS', ...spec })
  return outcome.kind === 'workload' ? { ...outcome.workload, notes: facts.notes } : outcome
}
const reason = (over: Partial<NativeWorkload>, spec: Partial<DiscoverySourceSpec> = {}) => {
  const outcome = found(over, spec)
  return 'kind' in outcome ? outcome.reason : `it is ${outcome.workload}`
}

test('what the platform says stands where no rule says otherwise', () => {
  assert.deepEqual(found(), {
    workload: 'checkout',
    namespace: 'prod',
    address: '10.0.0.1',
    ports: [{ name: 'http', port: 8080, protocol: 'http2' }],
    state: 'ready',
    labels: { version: '12' },
    locality: { region: 'eu' },
    notes: undefined,
  })
})

test('only what fits an include is taken, and nothing that fits an exclude; the reason says which', () => {
  assert.equal(reason({}, { include: [{ matchLabels: { team: 'pay' } }] }), 'it is checkout')
  assert.match(
    reason({}, { include: [{ matchLabels: { team: 'web' } }, { names: ['x*'] }] }),
    /include\[0\]: its label team is "pay", not "web"; include\[1\]: its name/,
  )
  assert.equal(reason({}, { exclude: [{ namespaces: ['pr*'] }] }), 'exclude[0] fits it')
  assert.equal(reason({ labels: { 'skerry.io/ignore': 'true' } }), 'its label skerry.io/ignore is true')
  assert.match(reason({}, { include: [] }), /the list is empty/)
})

test('labels say the workload, the port, the protocol and the version before the platform does', () => {
  const { workload, ports, labels, notes } = found(
    { labels: { svc: 'Pay Ments', 'skerry.io/ports': 'http:8080:grpc+admin:9000+http:1', ver: 'v 2' } },
    { mapping: { workload: ['service', 'svc'], version: ['ver'] } },
  ) as Exclude<ReturnType<typeof found>, { kind: string }>

  assert.equal(workload, 'pay-ments')
  assert.deepEqual(ports, [
    { name: 'http', port: 8080, protocol: 'grpc' },
    { name: 'admin', port: 9000, protocol: 'tcp' },
  ])
  assert.equal(labels.version, 'v-2')
  assert.match(notes ?? '', /port http \(1\) is left out/)
})

test("a tag of a cloud does not speak with the control plane's voice", () => {
  const { labels, notes } = found(
    { labels: { 'kuma.io/zone': 'evil', 'kuma.io/mesh': 'x', team: 'pay' } },
    { mapping: { copyLabels: ['*'], labels: [{ from: 'team', to: 'skerry.io/proxy' }] } },
  ) as Exclude<ReturnType<typeof found>, { kind: string }>

  assert.deepEqual(labels, { team: 'pay', version: '12' })
  assert.match(notes ?? '', /label kuma.io\/zone is not taken over/)
  assert.match(notes ?? '', /label team is not taken over/)
})

test('what cannot be a workload is left out with what would help', () => {
  assert.equal(reason({ address: undefined }), 'it has no address')
  assert.match(reason({ address: '0.0.0.0' }), /of no machine/)
  assert.match(reason({ address: 'a b' }), /neither an IP address nor a host name/)
  assert.match(reason({ ports: [] }), /no port is known: set label skerry.io\/port/)
  assert.equal(reason({ ports: [] }, { defaults: { port: 80 } }), 'it is checkout')
  assert.match(reason({ name: '???', services: [] }), /nothing names its service/)
  assert.equal(reason({ ports: [], hasSidecar: true }), 'it is checkout')
})

test('one that cannot be read is left out and costs the others nothing', () => {
  const item = readSafely({ id: 'a' }, () => {
    throw new TypeError('tags is not a list')
  })

  assert.deepEqual(item.outcome, { kind: 'left-out', reason: 'it could not be read: tags is not a list' })
})

test('whatever a platform says, what comes of it is valid', () => {
  const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('a', 'kuma.io/zone', 'x.KUMA.io/a', 'a/b/c', '-', '9'))
  fc.assert(
    fc.property(
      text,
      fc.dictionary(text, text),
      fc.array(fc.record({ port: fc.integer({ min: -1, max: 70_000 }), name: text, protocol: text })),
      (name, labels, ports) => {
        const outcome = found({ name, services: [name], labels, ports }, { mapping: { copyLabels: ['*'] } })
        if ('kind' in outcome) return
        assert.match(outcome.workload, /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/)
        assert.deepEqual(validateLabels(outcome.labels), [])
        assert.ok(Object.keys(outcome.labels).every(label => !/(^|[.])(kuma|skerry)[.]io[/]/.test(label)))
        for (const port of outcome.ports) assert.match(port.name, /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/)
        assert.equal(new Set(outcome.ports.map(port => port.name)).size, outcome.ports.length)
      },
    ),
  )
})

test('a pattern fits as a regular expression with .* for each star would', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 6 })
  fc.assert(
    fc.property(letters, letters, (text, pattern) => {
      const expected = new RegExp(`^${pattern.replaceAll('*', '[^]*')}$`).test(text)
      assert.equal(fitsPattern(text, pattern), expected)
    }),
    { numRuns: 2000 },
  )
})
