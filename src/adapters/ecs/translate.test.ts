import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { DiscoverySourceSpec } from '../../model/kinds/discovery-source.ts'
import type { Item } from '../adapter.ts'
import { factsOf, type RawTask } from './task.ts'
import { definitionOf, type RawDefinition } from './task-definition.ts'
import { taskState } from './task-state.ts'
import { type Host, hostNeeded, itemOfTask, lostHost, type Service, serviceNameOf } from './translate.ts'

const arn = 'arn:aws:ecs:eu-central-1:123456789012:task/prod/4f1c9e'
const definitionArn = 'arn:aws:ecs:eu-central-1:123456789012:task-definition/web:7'
const instanceArn = 'arn:aws:ecs:eu-central-1:123456789012:container-instance/prod/0a'
const locality = { cloud: 'aws', account: '123456789012', region: 'eu-central-1', cluster: 'prod' }
const host: Host = { id: 'i-0abc', address: '10.0.9.9', zone: 'eu-central-1b', status: 'ACTIVE', isConnected: true }

const awsvpc: RawTask = {
  taskArn: arn,
  taskDefinitionArn: definitionArn,
  group: 'service:shop-web',
  startedBy: 'ecs-svc/12',
  lastStatus: 'RUNNING',
  desiredStatus: 'RUNNING',
  healthStatus: 'UNKNOWN',
  launchType: 'FARGATE',
  availabilityZone: 'eu-central-1a',
  version: 5,
  attachments: [
    { type: 'ManagedEBSVolume', details: [{ name: 'volumeId', value: 'vol-1' }] },
    {
      type: 'ElasticNetworkInterface',
      details: [
        { name: 'subnetId', value: 'subnet-1' },
        { name: 'privateIPv4Address', value: '10.0.1.5' },
      ],
    },
  ],
}

const web: RawDefinition = {
  family: 'web',
  revision: 7,
  networkMode: 'awsvpc',
  containerDefinitions: [
    {
      name: 'web',
      essential: true,
      dockerLabels: { team: 'of-the-label', tier: 'front' },
      portMappings: [
        { containerPort: 8080, name: 'http', appProtocol: 'http2' },
        { containerPort: 9000 },
        { containerPort: 8125, protocol: 'udp' },
        { containerPortRange: '7000-7010' },
      ],
    },
  ],
}

interface Given {
  readonly task?: Partial<RawTask>
  readonly definition?: Partial<RawDefinition>
  readonly definitionTags?: Record<string, string>
  readonly service?: Service
  readonly host?: Host
  readonly spec?: Partial<DiscoverySourceSpec>
}

function item({ task, definition, definitionTags = {}, service, host, spec = {} }: Given = {}): Item {
  const facts = factsOf({ ...awsvpc, ...task })!
  const tags = Object.entries(definitionTags).map(([key, value]) => ({ key, value }))
  const known = definitionOf(definitionArn, { ...web, ...definition }, tags)
  const state = taskState(facts, known.hasHealthCheck)
  assert.ok(state.kind === 'alive')
  return itemOfTask({ task: facts, definition: known, service, host, state }, locality, { type: 'ECS', ...spec })
}

function workload(given?: Given) {
  const { outcome } = item(given)
  return outcome.kind === 'workload' ? outcome.workload : assert.fail(outcome.reason)
}

function reason(given?: Given) {
  const { outcome } = item(given)
  return outcome.kind === 'left-out' ? outcome.reason : assert.fail('it is taken')
}

describe('a task', () => {
  test('with an interface of its own is reached there, at the ports of its containers', () => {
    const { address, ports, workload: name, state, locality: where, labels } = workload()

    assert.deepEqual({ address, name, state }, { address: '10.0.1.5', name: 'shop-web', state: 'ready' })
    assert.deepEqual(ports, [
      { name: 'http', port: 8080, protocol: 'http2' },
      { name: '9000', port: 9000, protocol: 'tcp' },
    ])
    assert.deepEqual(where, { ...locality, zone: 'eu-central-1a' })
    assert.deepEqual(labels, { version: '7' })
    assert.equal(item().version, 5)
    assert.equal(item().facts.startedBy, 'ecs-svc/12')
  })

  test('whose attachment is not told yet is reached where its containers are', () => {
    const interfaces = [{ name: 'web', networkInterfaces: [{ privateIpv4Address: '10.0.1.6', ipv6Address: '2001:db8::6' }] }]
    assert.equal(workload({ task: { attachments: [], containers: interfaces } }).address, '10.0.1.6')
    assert.equal(
      workload({ task: { attachments: [], containers: [{ networkInterfaces: [{ ipv6Address: '2001:db8::6' }] }] } }).address,
      '2001:db8::6',
    )
  })

  test('without an address is left out, whatever its launch type', () => {
    assert.match(reason({ task: { attachments: [], launchType: 'MANAGED_INSTANCES' } }), /no network interface$/)
    assert.match(reason({ task: { attachments: [], lastStatus: 'PROVISIONING' } }), /no network interface yet/)
    assert.match(reason({ definition: { networkMode: 'none' } }), /network mode is none/)
  })

  const bridged = {
    attachments: [],
    containerInstanceArn: instanceArn,
    containers: [
      {
        name: 'web',
        networkBindings: [
          { containerPort: 8080, hostPort: 32768, protocol: 'tcp' },
          { containerPort: 8080, hostPort: 32768, protocol: 'tcp' },
          { containerPort: 9000, hostPort: 32769, protocol: 'tcp' },
          { containerPort: 8125, hostPort: 32770, protocol: 'udp' },
        ],
      },
      { name: 'ecs-service-connect-x', networkBindings: [{ containerPort: 15000, hostPort: 32771, protocol: 'tcp' }] },
    ],
  }

  test('on a bridge is reached at its host, at the ports it was given there, by the names that all tasks share', () => {
    const {
      address,
      ports,
      locality: where,
    } = workload({
      task: { ...bridged, availabilityZone: undefined },
      definition: { networkMode: 'bridge' },
      host,
    })

    assert.equal(address, '10.0.9.9')
    assert.deepEqual(ports, [
      { name: 'http', port: 32768, protocol: 'http2' },
      { name: '9000', port: 32769, protocol: 'tcp' },
    ])
    assert.equal(where.zone, 'eu-central-1b')
  })

  test("on its host's network is reached at its host, at its own ports", () => {
    const { address, ports } = workload({
      task: { attachments: [], containerInstanceArn: instanceArn },
      definition: { networkMode: 'host' },
      host,
    })

    assert.equal(address, '10.0.9.9')
    assert.deepEqual(
      ports.map(({ port }) => port),
      [8080, 9000],
    )
  })

  test('whose definition says no network mode is on a bridge', () => {
    assert.equal(workload({ task: bridged, definition: { networkMode: undefined }, host }).address, '10.0.9.9')
  })

  test('is called for as long as ECS wants it to run, also on a host that is drained', () => {
    const definition = { networkMode: 'bridge' }
    const draining = { ...host, status: 'DRAINING' }

    assert.equal(workload({ task: bridged, definition, host: draining }).state, 'ready')
    assert.equal(workload({ task: { ...bridged, desiredStatus: 'STOPPED' }, definition, host: draining }).state, 'draining')
  })

  test('is left out while no port is bound, while its host has no address, and where that cannot be known', () => {
    const onBridge = { definition: { networkMode: 'bridge' } }
    const unbound = { attachments: [], containerInstanceArn: instanceArn }
    assert.match(reason({ ...onBridge, task: { ...unbound, lastStatus: 'PENDING' }, host }), /bound on its host yet/)
    assert.match(
      reason({ ...onBridge, task: bridged, host: { ...host, address: undefined } }),
      /EC2 does not know an address of its host i-0abc/,
    )
    assert.match(
      reason({ ...onBridge, task: bridged, host: { ...host, id: 'mi-1', address: undefined } }),
      /outside of AWS.*skerry generate ecs-task/,
    )
    assert.match(reason({ ...onBridge, task: bridged, host: lostHost }), /container instance is not known/)
  })

  test('needs its host only where it is reached there', () => {
    const needs = (task: Partial<RawTask>, networkMode: string) =>
      hostNeeded(
        factsOf({ ...awsvpc, containerInstanceArn: instanceArn, ...task })!,
        definitionOf(definitionArn, { ...web, networkMode }, []),
      )
    assert.equal(needs({}, 'awsvpc'), undefined)
    assert.equal(needs({ attachments: [] }, 'awsvpc'), undefined)
    assert.equal(needs({ attachments: [] }, 'bridge'), instanceArn)
  })

  test('is called what its tag says, else as its service, else as its family', () => {
    assert.equal(workload({ task: { tags: [{ key: 'skerry.io/service', value: 'front' }] } }).workload, 'front')
    assert.equal(
      workload({ spec: { mapping: { workload: ['app'] } }, task: { tags: [{ key: 'app', value: 'mapped' }] } }).workload,
      'mapped',
    )
    assert.equal(workload({ task: { group: 'family:web' } }).workload, 'web')
    assert.equal(serviceNameOf({ group: undefined }), undefined)
  })

  test('has the tags of the most specific layer that has one', () => {
    const spec = { mapping: { copyLabels: ['team', 'tier'] } }
    const service = { name: 'shop-web', tags: { team: 'of-the-service' } }
    const task = { tags: [{ key: 'team', value: 'of-the-task' }] }
    const definitionTags = { team: 'of-the-definition' }
    assert.equal(workload({ spec, task, service, definitionTags }).labels.team, 'of-the-task')
    assert.equal(workload({ spec, service, definitionTags }).labels.team, 'of-the-service')
    assert.equal(workload({ spec, definitionTags }).labels.team, 'of-the-definition')
    assert.deepEqual(workload({ spec }).labels, { team: 'of-the-label', tier: 'front', version: '7' })
  })

  test('with a proxy in it says so, and the ports of the proxy are not its own', () => {
    const proxies = [
      { name: 'skerry-proxy', portMappings: [{ containerPort: 15006 }] },
      { name: 'mesh', dockerLabels: { 'skerry.io/proxy': 'sidecar' }, portMappings: [{ containerPort: 15006 }] },
    ]
    for (const proxy of proxies) {
      const found = workload({ definition: { containerDefinitions: [...web.containerDefinitions!, proxy] } })
      assert.equal(found.hasSidecar, true)
      assert.deepEqual(
        found.ports.map(({ port }) => port),
        [8080, 9000],
      )
    }
    assert.equal(workload().hasSidecar, undefined)
  })

  test('of any shape comes to an item, and never to an error', () => {
    const anyTask = fc.record(
      {
        taskArn: fc.constant(arn),
        taskDefinitionArn: fc.constant(definitionArn),
        group: fc.string(),
        lastStatus: fc.constantFrom('RUNNING', 'PENDING', 'ODD'),
        tags: fc.array(fc.record({ key: fc.string(), value: fc.string() }, { requiredKeys: [] })),
        attachments: fc.array(fc.record({ type: fc.string(), details: fc.array(fc.record({ name: fc.string(), value: fc.string() })) })),
        containers: fc.array(
          fc.record({ name: fc.string(), networkBindings: fc.array(fc.record({ containerPort: fc.nat(), hostPort: fc.nat() })) }),
        ),
      },
      { requiredKeys: ['taskArn', 'taskDefinitionArn'] },
    )
    fc.assert(
      fc.property(anyTask, fc.constantFrom('awsvpc', 'bridge', 'host'), (task, networkMode) => {
        const { outcome, id } = item({ task: { ...task, containerInstanceArn: instanceArn }, definition: { networkMode }, host })
        assert.equal(id, arn)
        assert.ok(outcome.kind === 'workload' || outcome.reason !== '')
      }),
    )
  })

  test('is kept in less than 2 KiB, with as many tags as AWS lets it have', () => {
    const tags = Array.from({ length: 10 }, (_, index) => ({ key: `tag-${index}`, value: 'v'.repeat(60) }))
    assert.ok(JSON.stringify(factsOf({ ...awsvpc, tags })).length < 2048)
  })
})

describe('the state of a task', () => {
  const check = (lastStatus: string, desiredStatus: string, healthStatus: string, hasCheck: boolean, expected: string) =>
    test(`${lastStatus}, to be ${desiredStatus}, ${healthStatus}${hasCheck ? ' with a check' : ''}: ${expected}`, () => {
      const state = taskState(factsOf({ ...awsvpc, lastStatus, desiredStatus, healthStatus })!, hasCheck)
      assert.equal(state.kind === 'gone' ? 'gone' : state.state, expected)
      if (expected !== 'ready') assert.ok(state.reason)
    })

  for (const status of ['PROVISIONING', 'PENDING', 'ACTIVATING']) check(status, 'RUNNING', 'UNKNOWN', false, 'starting')
  check('RUNNING', 'RUNNING', 'HEALTHY', true, 'ready')
  check('RUNNING', 'RUNNING', 'UNKNOWN', false, 'ready')
  check('RUNNING', 'RUNNING', 'UNKNOWN', true, 'starting')
  check('RUNNING', 'RUNNING', 'UNHEALTHY', true, 'unhealthy')
  check('RUNNING', 'STOPPED', 'HEALTHY', true, 'draining')
  for (const status of ['DEACTIVATING', 'STOPPING', 'DEPROVISIONING']) check(status, 'STOPPED', 'HEALTHY', false, 'draining')
  check('PENDING', 'STOPPED', 'UNKNOWN', false, 'draining')
  check('STOPPED', 'STOPPED', 'UNKNOWN', false, 'gone')

  test('a task that has stopped says why', () => {
    const stopped = { ...awsvpc, lastStatus: 'STOPPED', stopCode: 'SpotInterruption', stoppedReason: 'Your Spot Task was interrupted.' }
    assert.deepEqual(taskState(factsOf(stopped)!, false), {
      kind: 'gone',
      reason: 'stopped: SpotInterruption (Your Spot Task was interrupted.)',
    })
  })
})
