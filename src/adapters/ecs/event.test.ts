import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readEvent } from './event.ts'
import { factsOf } from './task.ts'

const cluster = 'arn:aws:ecs:eu-central-1:123456789012:cluster/prod'

/** As EventBridge delivers it. */
const taskEvent = {
  version: '0',
  id: '9bcdac79-b31f-4d3d-9410-fbd727c29fab',
  'detail-type': 'ECS Task State Change',
  source: 'aws.ecs',
  account: '123456789012',
  time: '2026-10-01T10:00:00Z',
  region: 'eu-central-1',
  resources: [],
  detail: {
    attachments: [
      {
        id: '1789bcae',
        type: 'eni',
        status: 'ATTACHED',
        details: [
          { name: 'subnetId', value: 'subnet-0d' },
          { name: 'privateIPv4Address', value: '10.0.0.98' },
        ],
      },
    ],
    clusterArn: cluster,
    containers: [{ name: 'web', lastStatus: 'RUNNING', networkInterfaces: [{ privateIpv4Address: '10.0.0.98' }], networkBindings: [] }],
    createdAt: '2026-10-01T09:59:00.000Z',
    desiredStatus: 'RUNNING',
    group: 'service:web',
    lastStatus: 'RUNNING',
    startedBy: 'ecs-svc/123',
    taskArn: 'arn:aws:ecs:eu-central-1:123456789012:task/prod/4f',
    taskDefinitionArn: 'arn:aws:ecs:eu-central-1:123456789012:task-definition/web:7',
    version: 4,
  },
}

test('a state change of a task is read, with its address', () => {
  const event = readEvent(JSON.stringify(taskEvent))

  assert.ok(event.kind === 'task')
  assert.equal(event.cluster, cluster)
  const facts = factsOf(event.task, { team: 'shop' })!
  assert.deepEqual(
    { address: facts.address, version: facts.version, tags: facts.tags },
    { address: '10.0.0.98', version: 4, tags: { team: 'shop' } },
  )
})

test('a state change of a host is read', () => {
  const detail = { clusterArn: cluster, containerInstanceArn: 'arn:…/0a', status: 'DRAINING', agentConnected: false, version: 9 }
  const event = readEvent(JSON.stringify({ ...taskEvent, 'detail-type': 'ECS Container Instance State Change', detail }))

  assert.deepEqual(event, { kind: 'host', cluster, instanceArn: 'arn:…/0a', status: 'DRAINING', isConnected: false })
})

test('what is not for us is told apart, with why', () => {
  const reasonOf = (body: string | undefined) => {
    const event = readEvent(body)
    return event.kind === 'other' ? event.reason : assert.fail(event.kind)
  }
  assert.match(reasonOf('not JSON'), /no JSON/)
  assert.match(reasonOf(undefined), /no JSON/)
  assert.match(reasonOf('[]'), /no event of EventBridge/)
  assert.match(reasonOf(JSON.stringify({ ...taskEvent, source: 'aws.s3' })), /aws[.]s3/)
  assert.match(reasonOf(JSON.stringify({ ...taskEvent, 'detail-type': 'ECS Deployment State Change' })), /nothing follows/)
  assert.match(reasonOf(JSON.stringify({ ...taskEvent, detail: { ...taskEvent.detail, clusterArn: 7 } })), /no cluster/)
})

test('an event with any part replaced by anything is read or told apart, and never an error', () => {
  const path = fc.constantFrom(...Object.keys(taskEvent.detail))
  fc.assert(
    fc.property(path, fc.jsonValue(), (name, value) => {
      const event = readEvent(JSON.stringify({ ...taskEvent, detail: { ...taskEvent.detail, [name]: value } }))
      if (event.kind === 'task') factsOf(event.task)
    }),
  )
})
