import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addSidecar } from './add-sidecar.ts'
import type { SidecarOptions } from './sidecar-options.ts'

const options: SidecarOptions = {
  cp: 'zone.example:5678',
  tokenSecret: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:web-token',
  image: 'registry.example/skerry:0.1.0',
  cpu: 128,
  memory: 256,
  outbounds: [],
}

const web = {
  family: 'web',
  networkMode: 'awsvpc',
  executionRoleArn: 'arn:aws:iam::123456789012:role/execution',
  requiresCompatibilities: ['FARGATE'],
  cpu: '512',
  memory: '1024',
  volumes: [{ name: 'cache' }],
  containerDefinitions: [
    {
      name: 'web',
      image: 'web:1',
      essential: true,
      portMappings: [
        { containerPort: 8080, name: 'http', appProtocol: 'http' },
        { containerPort: 8125, protocol: 'udp' },
      ],
      logConfiguration: { logDriver: 'awslogs', options: { 'awslogs-group': 'web' } },
    },
  ],
}

test('a proxy stands beside the application, and the application is as it was', () => {
  const task = added(web)

  const [application, proxy] = task.containerDefinitions
  assert.deepEqual(application, web.containerDefinitions[0])
  assert.deepEqual({ ...task, containerDefinitions: [] }, { ...web, containerDefinitions: [] })
  assert.equal(proxy.name, 'skerry-proxy')
  assert.deepEqual(proxy.command.slice(0, 8), ['proxy', 'run', '--service', 'web', '--port', 'http:8080/http', '--inbound-port', '15006'])
  assert.ok(proxy.command.join(' ').includes('--address auto'))
  assert.deepEqual(proxy.secrets, [{ name: 'SKERRY_DATAPLANE_TOKEN', valueFrom: options.tokenSecret }])
  assert.deepEqual(proxy.environment, [{ name: 'SKERRY_CP', value: 'zone.example:5678' }])
  assert.deepEqual(proxy.dependsOn, [{ containerName: 'web', condition: 'START' }])
  assert.deepEqual(
    proxy.portMappings.map(({ containerPort }: { containerPort: number }) => containerPort),
    [15006],
  )
  assert.deepEqual(proxy.logConfiguration, web.containerDefinitions[0]!.logConfiguration)
  assert.ok(!JSON.stringify(task).includes('undefined'))
})

test('what DescribeTaskDefinition answers can be registered again, with its tags', () => {
  const answer = {
    taskDefinition: {
      ...web,
      taskDefinitionArn: 'arn:…:7',
      revision: 7,
      status: 'ACTIVE',
      compatibilities: ['FARGATE'],
      registeredBy: 'me',
    },
    tags: [{ key: 'team', value: 'shop' }],
  }

  const task = added(answer)

  assert.deepEqual(Object.keys(task).sort(), [...Object.keys(web), 'tags'].sort())
})

test('every port of the application gets one of the proxy, clear of the ports that the application has', () => {
  const mappings = [{ containerPort: 15006, name: 'API_v2', appProtocol: 'grpc' }, { containerPort: 9901 }]
  const task = added({ ...web, containerDefinitions: [{ ...web.containerDefinitions[0], portMappings: mappings }] })

  const [, proxy] = task.containerDefinitions
  const command = proxy.command.join(' ')
  assert.match(command, /--port api-v2:15006\/grpc --inbound-port 15007 --port 9901:9901\/tcp --inbound-port 15008/)
  assert.match(command, /--admin 127[.]0[.]0[.]1:9902/)
  assert.deepEqual(proxy.healthCheck.command, ['CMD', 'skerry', 'proxy', 'ready', '--admin', '127.0.0.1:9902'])
})

test('a definition that has the proxy gets it anew, at its place, and no second one', () => {
  const once = added(web)
  const before = { ...once, containerDefinitions: [once.containerDefinitions[1], once.containerDefinitions[0]] }

  const again = added(before, { ...options, image: 'registry.example/skerry:0.2.0' })

  assert.deepEqual(
    again.containerDefinitions.map(({ name, image }: { name: string; image: string }) => `${name} ${image}`),
    ['skerry-proxy registry.example/skerry:0.2.0', 'web web:1'],
  )
})

test('done twice is done once, whatever ports there are', () => {
  const ports = fc.uniqueArray(fc.integer({ min: 1, max: 65535 }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(ports, fc.constantFrom('http', 'http2', 'grpc', undefined), (ports, appProtocol) => {
      const portMappings = ports.map(containerPort => ({ containerPort, ...(appProtocol === undefined ? {} : { appProtocol }) }))
      const once = added({ ...web, containerDefinitions: [{ ...web.containerDefinitions[0], portMappings }] })

      assert.deepEqual(added(once), once)
      const used = once.containerDefinitions.flatMap(({ portMappings }: { portMappings: { containerPort: number }[] }) =>
        portMappings.map(it => it.containerPort),
      )
      assert.equal(new Set(used).size, used.length)
    }),
  )
})

const refusals: Readonly<Record<string, [string, unknown]>> = {
  'no task definition': ['containerDefinitions', 'text'],
  'no application': ['containerDefinitions', { ...web, containerDefinitions: [] }],
  'a bridge': ['networkMode', { ...web, networkMode: 'bridge' }],
  'no network mode, which is a bridge': ['networkMode', { ...web, networkMode: undefined }],
  'nobody who may read the token': ['executionRoleArn', { ...web, executionRoleArn: undefined }],
  Windows: ['runtimePlatform.operatingSystemFamily', { ...web, runtimePlatform: { operatingSystemFamily: 'WINDOWS_SERVER_2022_CORE' } }],
  'App Mesh': ['proxyConfiguration', { ...web, proxyConfiguration: { type: 'APPMESH' } }],
  'no port': ['containerDefinitions[].portMappings', { ...web, containerDefinitions: [{ name: 'web' }] }],
  'two ports of one name': [
    'containerDefinitions[0].portMappings[1].name',
    {
      ...web,
      containerDefinitions: [
        {
          name: 'web',
          portMappings: [
            { containerPort: 1, name: 'a' },
            { containerPort: 2, name: 'A' },
          ],
        },
      ],
    },
  ],
  'ten containers': [
    'containerDefinitions',
    { ...web, containerDefinitions: [web.containerDefinitions[0], ...Array.from({ length: 9 }, (_, index) => ({ name: `c${index}` }))] },
  ],
  'no memory left': ['memory', { ...web, memory: '0.5 GB', containerDefinitions: [{ ...web.containerDefinitions[0], memory: 400 }] }],
  'no processor left': ['cpu', { ...web, cpu: '.25 vCPU', containerDefinitions: [{ ...web.containerDefinitions[0], cpu: 200 }] }],
  'an amount that is none': ['memory', { ...web, memory: 'much' }],
}

for (const [what, [field, task]] of Object.entries(refusals)) {
  test(`refused by its field: ${what}`, () => {
    const result = addSidecar(task, options)

    assert.equal(result.kind, 'refused')
    assert.deepEqual(result.kind === 'refused' && result.problems.map(problem => problem.field), [field])
  })
}

test('what was added is said by its field', () => {
  const result = addSidecar(web, options)

  const fields = result.kind === 'ok' ? result.added.map(({ field }) => field) : []
  for (const part of ['', '.command', '.secrets', '.portMappings[0]', '.dependsOn', '.healthCheck'])
    assert.ok(fields.includes(`containerDefinitions[1]${part}`), part)
})

// biome-ignore lint/suspicious/noExplicitAny: JSON of which the tests know the shape
function added(task: unknown, with_ = options): any {
  const result = addSidecar(task, with_)
  return result.kind === 'ok' ? result.task : assert.fail(JSON.stringify(result.problems))
}
