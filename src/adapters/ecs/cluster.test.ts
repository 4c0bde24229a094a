import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../std/clock.ts'
import type { Item } from '../adapter.ts'
import { testAccount, testRegion } from '../aws/test-support.ts'
import { arnOf, Cloud, cluster, prefix, queueUrl } from './test-support.ts'

test('a task that is listed no more is asked for: one that is being stopped drains, one that has stopped says why', async t => {
  const cloud = await Cloud.start(t)
  cloud.run('a', 'b', 'c', 'd')
  await cloud.list()

  cloud.change('b', { desiredStatus: 'STOPPED' })
  cloud.change('c', { desiredStatus: 'STOPPED', lastStatus: 'STOPPED', stopCode: 'TaskFailedToStart' })
  cloud.tasks.delete(arnOf('d'))
  const listing = await cloud.list()

  assert.deepEqual(listing.items.map(wordOf), ['a ready', 'b draining'])
  assert.deepEqual(
    listing.gone.map(({ id, reason, inferred = false }) => [id.slice(-1), reason, inferred]),
    [
      ['c', 'stopped: TaskFailedToStart', false],
      ['d', 'ECS knows no task d any more (MISSING)', true],
    ],
  )
  assert.equal(listing.complete, true)
})

test('a task that was missing and comes back is there again; one that stopped does not come back', async t => {
  const cloud = await Cloud.start(t)
  cloud.run('a', 'b')
  await cloud.list()
  const lost = cloud.tasks.get(arnOf('a'))!
  cloud.tasks.delete(arnOf('a'))
  cloud.change('b', { desiredStatus: 'STOPPED', lastStatus: 'STOPPED' })
  assert.deepEqual((await cloud.list()).items, [])

  cloud.tasks.set(arnOf('a'), lost)
  cloud.change('b', { desiredStatus: 'RUNNING', lastStatus: 'RUNNING' })

  assert.deepEqual((await cloud.list()).items.map(wordOf), ['a ready'])
})

test('a listing that read a task before its event does not undo the event', async t => {
  const cloud = await Cloud.start(t, { aws: { regions: [testRegion], events: { queueUrl } } })
  cloud.run('a')
  await cloud.list()
  const changes = await cloud.follow(t)
  cloud.event('a', { version: 7, desiredStatus: 'STOPPED' })
  await until(() => changes.length === 1)

  const listing = await cloud.list()

  assert.deepEqual(listing.items.map(wordOf), ['a draining'])
  assert.equal(listing.items[0]!.version, 7)
})

test('an event of a known task keeps its tags and costs no call; a new one is asked about once', async t => {
  const cloud = await Cloud.start(t, { aws: { regions: [testRegion], events: { queueUrl } }, mapping: { copyLabels: ['team'] } })
  cloud.run('a')
  cloud.change('a', { tags: [{ key: 'team', value: 'shop' }] })
  await cloud.list()
  const changes = await cloud.follow(t)
  cloud.calls.clear()

  cloud.event('a', { version: 2, healthStatus: undefined, tags: undefined })
  await until(() => changes.length === 1)
  assert.equal(cloud.calls.get('DescribeTasks'), undefined)
  cloud.run('b')
  cloud.change('b', { tags: [{ key: 'team', value: 'pay' }] })
  cloud.event('b', { tags: undefined })
  cloud.event('b', { tags: undefined })
  await until(() => changes.length === 2)

  const teams = changes.map(
    change => change.kind === 'seen' && change.item.outcome.kind === 'workload' && change.item.outcome.workload.labels.team,
  )
  assert.deepEqual(teams, ['shop', 'pay'])
  assert.equal(cloud.calls.get('DescribeTasks'), 1)
  await until(() => cloud.messages.length === 0)
})

test('tasks on a bridge are found through their hosts, each asked for once, and follow what becomes of them', async t => {
  const cloud = await Cloud.start(t, { aws: { regions: [testRegion], events: { queueUrl } } })
  cloud.networkMode = 'bridge'
  cloud.run('a', 'b', 'c')
  for (const name of ['a', 'b', 'c']) {
    const containers = [{ name: 'web', networkBindings: [{ containerPort: 8080, hostPort: 32768, protocol: 'tcp' }] }]
    const containerInstanceArn = `${prefix}container-instance/prod/${name === 'c' ? '2' : '1'}`
    cloud.change(name, { attachments: [], containerInstanceArn, containers })
  }

  const first = await cloud.list()

  const addresses = first.items.map(
    ({ outcome }) => outcome.kind === 'workload' && `${outcome.workload.address}:${outcome.workload.ports[0]?.port}`,
  )
  assert.deepEqual(addresses, ['10.9.0.1:32768', '10.9.0.1:32768', '10.9.0.2:32768'])
  assert.deepEqual([cloud.calls.get('DescribeContainerInstances'), cloud.calls.get('DescribeInstances')], [1, 1])
  await cloud.list()
  assert.deepEqual([cloud.calls.get('DescribeContainerInstances'), cloud.calls.get('DescribeInstances')], [2, 1])
  const changes = await cloud.follow(t)
  const detail = {
    clusterArn: cluster,
    containerInstanceArn: `${prefix}container-instance/prod/1`,
    status: 'DRAINING',
    agentConnected: true,
  }
  cloud.send({ source: 'aws.ecs', 'detail-type': 'ECS Container Instance State Change', detail })
  await until(() => changes.length === 2)
  assert.match(changes[0]!.kind === 'seen' ? changes[0]!.item.facts.host! : '', /DRAINING/)
})

test('a host outside of AWS is where Systems Manager says, now and when it moves; one that it does not know leaves the others known', async t => {
  const cloud = await Cloud.start(t)
  cloud.networkMode = 'bridge'
  cloud.isAnywhere = true
  cloud.managed = { 'mi-01': '172.16.0.1', 'mi-02': '172.16.0.2' }
  cloud.run('a', 'b', 'c')
  const networkBindings = [{ bindIP: '0.0.0.0', containerPort: 8080, hostPort: 8080, protocol: 'tcp' }]
  for (const [index, name] of ['a', 'b', 'c'].entries())
    cloud.change(name, {
      attachments: [],
      containerInstanceArn: `${prefix}container-instance/prod/${index + 1}`,
      containers: [{ name: 'web', networkBindings }],
    })
  const addresses = async () => {
    const { items, complete, missing } = await cloud.list()
    assert.deepEqual([complete, missing], [true, []])
    return items.map(({ outcome }) => (outcome.kind === 'workload' ? outcome.workload.address : outcome.reason.slice(0, 32)))
  }

  assert.deepEqual(await addresses(), ['172.16.0.1', '172.16.0.2', 'its host mi-03 is outside of AWS'])
  assert.equal(cloud.calls.get('DescribeInstances'), undefined)
  cloud.managed['mi-02'] = '172.16.0.22'
  assert.deepEqual(await addresses(), ['172.16.0.1', '172.16.0.22', 'its host mi-03 is outside of AWS'])

  cloud.refuse = 'DescribeInstanceInformation'
  const { items, missing } = await cloud.list()
  assert.equal(items.filter(({ outcome }) => outcome.kind === 'workload').length, 2)
  assert.match(missing.join(), /may not ssm:DescribeInstanceInformation/)
})

test('a host that cannot be asked for takes no task away: the tasks are passed over, and the listing says so', async t => {
  const cloud = await Cloud.start(t)
  cloud.networkMode = 'bridge'
  cloud.run('a')
  cloud.change('a', { attachments: [], containerInstanceArn: `${prefix}container-instance/prod/1`, containers: [] })
  cloud.refuse = 'DescribeContainerInstances'

  const listing = await cloud.list()

  assert.equal(listing.complete, false)
  assert.deepEqual(listing.items, [])
  assert.match(listing.missing.join(), /container instances.*1 tasks are passed over/)
})

test('health is asked for of those tasks alone that have a check, and told when it is another', async t => {
  const clock = new ManualClock()
  const cloud = await Cloud.start(t, {}, clock)
  cloud.healthCheck = { command: ['CMD', 'true'] }
  cloud.run('a', 'b')
  cloud.change('a', { healthStatus: 'HEALTHY' })
  cloud.change('b', { healthStatus: 'UNKNOWN' })
  assert.deepEqual((await cloud.list()).items.map(wordOf), ['a ready', 'b starting'])
  const changes = await cloud.follow(t)
  cloud.calls.clear()
  cloud.change('a', { healthStatus: 'UNHEALTHY' })
  await until(() => clock.timers > 0)

  clock.advance(10_000)

  await until(() => changes.length > 0)
  assert.deepEqual(
    changes.map(change => change.kind === 'seen' && wordOf(change.item)),
    ['a unhealthy'],
  )
  assert.equal(cloud.calls.get('DescribeTasks'), 1)
  cloud.change('b', { desiredStatus: 'STOPPED', lastStatus: 'STOPPED' })
  await until(() => clock.timers > 0)
  clock.advance(10_000)
  await until(() => changes.length > 1)
  assert.equal(changes[1]!.kind, 'gone')
})

test('clusters that are named are asked for without a list, and one that is not there is told', async t => {
  const cloud = await Cloud.start(t, { aws: { regions: [testRegion], clusters: ['prod', 'typo'] } })

  const { scopes, missing } = await cloud.source.scopes(AbortSignal.timeout(10_000))

  assert.deepEqual(
    scopes.map(({ id, identity }) => [id, identity]),
    [[`aws/${testAccount}/${testRegion}/ecs/prod`, testAccount]],
  )
  assert.match(missing.join(), /no cluster typo/)
  assert.equal(cloud.calls.get('ListClusters'), undefined)
})

/** As `a ready`. */
function wordOf({ id, outcome }: Item): string {
  return `${id.slice(-1)} ${outcome.kind === 'workload' ? outcome.workload.state : outcome.reason}`
}

async function until(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000
  while (!isSo()) {
    if (Date.now() > deadline) assert.fail(`not so: ${isSo}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}
