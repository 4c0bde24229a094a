import assert from 'node:assert/strict'
import { test } from 'node:test'
import { definitionOf } from '../src/adapters/ecs/task-definition.ts'
import { addSidecar } from '../src/convert/ecs-task/add-sidecar.ts'
import { options, readProxyConfig } from '../src/proxy/config.ts'
import { readOptions } from '../src/std/read-options.ts'

const result = addSidecar(
  {
    family: 'web',
    networkMode: 'awsvpc',
    executionRoleArn: 'arn:aws:iam::123456789012:role/execution',
    containerDefinitions: [
      {
        name: 'web',
        image: 'web:1',
        portMappings: [
          { containerPort: 8080, name: 'http', appProtocol: 'http' },
          { containerPort: 8081, name: 'API_v2', appProtocol: 'grpc' },
          { containerPort: 5432 },
        ],
      },
    ],
  },
  { cp: 'zone.example:5678', tokenSecret: 'web-token', image: 'skerry:1', mesh: 'shop', cpu: 128, memory: 256, outbounds: ['pay=10001'] },
)
assert.ok(result.kind === 'ok')
const { task } = result
const proxy = task.containerDefinitions![1] as unknown as { command: string[]; environment: { name: string; value: string }[] }

test('skerry proxy run takes what a generated task definition gives it', async () => {
  const env = { ...Object.fromEntries(proxy.environment.map(({ name, value }) => [name, value])), SKERRY_DATAPLANE_TOKEN: 'a-token' }
  const [, , ...argv] = proxy.command
  const resolved = await readOptions(options, argv, env)
  assert.ok(resolved.kind === 'ok', JSON.stringify(resolved))
  // Whether this machine has an address of its own is not what is asked here.
  const read = readProxyConfig({ ...resolved.values, address: '10.0.3.7' })

  assert.ok(read.kind === 'ok', JSON.stringify(read))
  const { ports, service, mesh, cp, token, admin, outbounds, drainTimeoutMs } = read.config
  assert.deepEqual(ports, [
    { name: 'http', port: 8080, protocol: 'http', inboundPort: 15006 },
    { name: 'api-v2', port: 8081, protocol: 'grpc', inboundPort: 15007 },
    { name: '5432', port: 5432, protocol: 'tcp', inboundPort: 15008 },
  ])
  assert.deepEqual({ service, mesh, cp, token }, { service: 'web', mesh: 'shop', cp: 'zone.example:5678', token: 'a-token' })
  assert.deepEqual([admin?.port, outbounds[0]?.name, drainTimeoutMs], [9901, 'pay', 20_000])
})

test('discovery knows that a generated task has its own proxy, and takes no port of it for the application’s', () => {
  const definition = definitionOf('arn:aws:ecs:eu-central-1:123456789012:task-definition/web:1', task, [])

  assert.equal(definition.hasSidecar, true)
  assert.deepEqual(
    definition.ports.map(({ containerPort }) => containerPort),
    [8080, 8081, 5432],
  )
})
