import assert from 'node:assert/strict'
import { test } from 'node:test'
import { adapterContract } from '../adapter.contract.ts'
import { httpSd } from './list.ts'
import { translateGroup } from './translate.ts'

adapterContract('HTTP', {
  script: { respond: (_, { names }) => ({ body: [{ targets: names.map(name => `${name}.example.com:8080`), labels: { job: 'web' } }] }) },
  open: (url, deps) => httpSd.open({ mesh: 'default', name: 'sd', spec: { type: 'HTTP', http: { url: `${url}/targets` } } }, deps),
  isPaged: false,
})

test('targets are addresses with a port, of either family, and the default port holds for those without', () => {
  const found = translateGroup(
    { targets: ['10.0.0.1:80', '[fd00::1]:81', 'db', ':80'], labels: { job: 'web' } },
    { type: 'HTTP', defaults: { port: 82 } },
  )

  const ports = found.map(({ outcome }) =>
    outcome.kind === 'workload'
      ? `${outcome.workload.workload} ${outcome.workload.address} ${outcome.workload.ports[0]!.port}`
      : outcome.reason,
  )
  assert.deepEqual(ports, ['web 10.0.0.1 80', 'web fd00::1 81', 'web db 82', '":80" is no target: write it as 10.0.0.5:8080'])
})

test('a group that cannot be read costs the others nothing', () => {
  assert.equal(translateGroup({ labels: {} }, { type: 'HTTP' })[0]!.outcome.kind, 'left-out')
})
