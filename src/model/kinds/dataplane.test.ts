import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromWire } from '../wire.ts'

const arn = 'arn:aws:lambda:eu-central-1:123456789012:function:shop:live'
const lambda = { arn, region: 'eu-central-1', payload: 'http-2.0' }

function check(over: object, expected: string[], labels: object = { 'skerry.io/proxy': 'none' }): void {
  const networking = { address: 'lambda.eu-central-1.amazonaws.com', inbound: [{ port: 443, name: 'main', protocol: 'http' }], ...over }
  const read = fromWire({ type: 'Dataplane', mesh: 'default', name: 'shop', labels, networking }, { strict: true })
  const found = read.kind === 'invalid' ? read.violations.map(({ field, reason }) => `${field}: ${reason}`) : []
  assert.deepEqual(found.length, expected.length, found.join('\n'))
  for (const [index, text] of expected.entries()) assert(found[index]!.startsWith(text), found[index])
}

test('a function is a workload without a proxy, with one HTTP inbound, in the region of its ARN', () => {
  check({ lambda }, [])
  check({ lambda: { ...lambda, endpoint: 'http://127.0.0.1:4566', roleArn: 'arn:aws:iam::123456789012:role/team/caller' } }, [])
  check({ lambda }, ['networking.lambda: only for a workload without a proxy'], {})
  check({ lambda, inbound: [{ port: 443, protocol: 'tcp' }] }, ['networking.lambda: a function has exactly one inbound'])
  check({ lambda: { ...lambda, region: 'us-east-1' } }, ['networking.lambda.region: has to be that of the ARN, "eu-central-1"'])
  check({ lambda: { ...lambda, arn: 'shop' } }, ['networking.lambda.arn', 'networking.lambda.region'])
  check({ lambda: { ...lambda, endpoint: 'http://host/path' } }, ['networking.lambda.endpoint'])
})

test('a workload without a proxy has nothing that only a proxy could act on', () => {
  const inbound = [{ port: 8080, name: 'main' }]
  check({ inbound, outbound: [{ port: 10001, backendRef: { kind: 'MeshService', name: 'x' } }] }, ['networking.outbound: must not be set'])
  check({ inbound: [], gateway: {} }, ['networking.gateway: must not be set'])
  check({ listeners: [{ type: 'ZoneIngress', address: '10.0.0.1', port: 10001 }] }, ['networking.listeners: must not be set'])
  // What the mesh calls is the application itself.
  check({ address: '10.0.0.1', inbound: [{ port: 8080, servicePort: 8080, serviceAddress: '10.0.0.1' }] }, [])
})
