import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import { DescribeTasksCommand, StopTaskCommand } from '@aws-sdk/client-ecs'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import type { Change, OpenAdapter } from '../../src/adapters/adapter.ts'
import { ecs } from '../../src/adapters/ecs/list.ts'
import { AwsEmulator, type EmulatorClientOptions, ownAccount } from './aws-emulators.ts'
import { eventQueue, Shop } from './aws-shop.ts'
import { openAws, scopeNamed, soon, until, watchAws, workloadsOf } from './aws-sources.ts'
import { FaultProxy } from './fault-proxy.ts'

const otherAccount = '222222222222'

describe('ECS on moto', { timeout: 280_000 }, () => {
  let moto: AwsEmulator | string
  let shop: Shop

  before(async () => {
    moto = await AwsEmulator.moto()
    if (typeof moto !== 'string') shop = await Shop.open(moto.options())
  })
  after(async () => {
    if (typeof moto !== 'string') await moto[Symbol.asyncDispose]()
  })

  const motoTest = (sentence: string, body: (t: TestContext, moto: AwsEmulator) => Promise<void>) =>
    test(sentence, async t => (typeof moto === 'string' ? t.skip(moto) : body(t, moto)))

  motoTest('a task has the address of its network interface, the ports of its definition and the name of its service', async (_t, moto) => {
    const cluster = await shop.cluster('addresses')
    const [arn] = await shop.run(cluster, { group: 'service:web', startedBy: 'ecs-svc/1' })
    await using source = await openAws(ecs, moto.endpoint)

    const listing = await source.list(await scopeNamed(source, 'addresses'), soon())

    const { tasks } = await shop.ecs.send(new DescribeTasksCommand({ cluster, tasks: [arn!] }))
    const address = tasks![0]!.attachments![0]!.details!.find(({ name }) => name === 'privateIPv4Address')!.value
    assert.deepEqual({ complete: listing.complete, missing: listing.missing }, { complete: true, missing: [] })
    assert.deepEqual(
      workloadsOf(listing).map(({ workload, address, ports, state }) => ({ workload, address, ports, state })),
      [{ workload: 'web', address, ports: [{ name: 'http', port: 8080, protocol: 'http' }], state: 'ready' }],
    )
    assert.deepEqual(workloadsOf(listing)[0]!.locality, { cloud: 'aws', account: ownAccount, region: 'eu-west-1', cluster: 'addresses' })
  })

  motoTest('tags of the task come before those of its definition', async (_t, moto) => {
    const cluster = await shop.cluster('tags')
    await shop.run(cluster, { tags: [{ key: 'team', value: 'of-the-task' }] })
    await using source = await openAws(ecs, moto.endpoint, {}, { mapping: { copyLabels: ['team', 'tier'] } })

    const listing = await source.list(await scopeNamed(source, 'tags'), soon())

    assert.deepEqual(workloadsOf(listing)[0]!.labels, { team: 'of-the-task', tier: 'front', version: '1' })
  })

  motoTest('a task that was stopped is gone, with its reason, and the others stay', async (_t, moto) => {
    const cluster = await shop.cluster('stops')
    const [first] = await shop.run(cluster)
    await shop.run(cluster)
    await using source = await openAws(ecs, moto.endpoint)
    const scope = await scopeNamed(source, 'stops')
    assert.equal(workloadsOf(await source.list(scope, soon())).length, 2)

    await shop.ecs.send(new StopTaskCommand({ cluster, task: first!, reason: 'a new version' }))
    const listing = await source.list(scope, soon())

    assert.deepEqual(
      listing.gone.map(({ id, reason }) => ({ id, reason })),
      [{ id: first, reason: 'stopped: a new version' }],
    )
    assert.equal(workloadsOf(listing).length, 1)
    const confirmed = await source.confirm!(scope, [first!], soon())
    assert.equal((confirmed.get(first!) as { id: string }).id, first)
  })

  motoTest('another account is listed with its role, and one that denies it empties neither', async (t, moto) => {
    const shopThere = await Shop.open(await assumed(moto, otherAccount))
    await shop.run(await shop.cluster('here'))
    await shopThere.run(await shopThere.cluster('there'))
    const proxy = await FaultProxy.start(moto.endpoint)
    t.after(() => proxy[Symbol.asyncDispose]())
    const external: string[] = []
    proxy.fault = ({ operation, body }) => {
      if (operation !== 'AssumeRole') return undefined
      external.push(String(new URLSearchParams(body).get('ExternalId')))
      return body.includes('333333333333') ? { kind: 'reply', status: 403, body: deniedByTrustPolicy } : undefined
    }
    const role = (id: string) => ({
      id,
      roleArn: `arn:aws:iam::${id}:role/skerry`,
      externalId: { type: 'EnvVar', envVar: { name: 'EXTERNAL_ID' } } as const,
    })
    await using source = await openAws(ecs, proxy.endpoint, {
      accounts: [{ id: ownAccount }, role(otherAccount), role('333333333333')],
      clusters: ['here', 'there'],
    })

    const { complete, missing, scopes } = await source.scopes(soon())

    assert.equal(complete, false)
    assert.ok(
      missing.some(reason => /333333333333.*may not sts:AssumeRole.*trust policy/.test(reason)),
      missing.join('\n'),
    )
    assert.deepEqual(scopes.map(({ id }) => id).sort(), [`aws/${ownAccount}/eu-west-1/ecs/here`, `aws/${otherAccount}/eu-west-1/ecs/there`])
    for (const scope of scopes) assert.equal(workloadsOf(await source.list(scope, soon())).length, 1, scope.id)
    assert.deepEqual(external, ['shared-with-you', 'shared-with-you'], 'a role is taken on once for all clients')
  })

  motoTest('an event tells of a task before the next listing, each version once, and its end', async (t, moto) => {
    const cluster = await shop.cluster('events')
    const queue = await eventQueue(moto)
    await using source = await openAws(ecs, moto.endpoint, { events: { queueUrl: queue.url } })
    const scope = await scopeNamed(source, 'events')
    assert.equal((await source.list(scope, soon())).items.length, 0)
    const changes = followed(t, source, scope)
    const [arn] = await shop.run(cluster, { group: 'service:web' })
    const { tasks } = await shop.ecs.send(new DescribeTasksCommand({ cluster, tasks: [arn!] }))

    await queue.put({ ...tasks![0]!, version: 3 })
    await until(
      () => changes.length,
      count => count > 0,
      'the task is told',
    )
    await queue.put({ ...tasks![0]!, version: 3 })
    await queue.put({ ...tasks![0]!, version: 2, lastStatus: 'PENDING' })
    await queue.put({ ...tasks![0]!, clusterArn: 'arn:aws:ecs:eu-west-1:123456789012:cluster/of-others', version: 9 })
    await queue.send('not even JSON')
    await queue.send(
      JSON.stringify({ source: 'aws.ecs', 'detail-type': 'ECS Task State Change', detail: { clusterArn: cluster, taskArn: 7 } }),
    )
    await queue.put({ ...tasks![0]!, version: 4, desiredStatus: 'STOPPED' })
    await until(
      () => changes.length,
      count => count > 1,
      'that it shall stop is told',
    )
    await queue.put({ ...tasks![0]!, version: 6, desiredStatus: 'STOPPED', lastStatus: 'STOPPED', stopCode: 'SpotInterruption' })
    await until(() => changes.some(({ kind }) => kind === 'gone'), Boolean, 'its end is told')
    await queue.put({ ...tasks![0]!, version: 5, desiredStatus: 'STOPPED', lastStatus: 'STOPPING' })

    await until(queue.left, left => left === 0, 'all messages are dealt with')
    assert.deepEqual(changes.map(wordOf), ['ready 3', 'draining 4', 'gone 6 stopped: SpotInterruption'])
    const [seen] = changes
    assert.equal(seen?.kind === 'seen' && seen.item.outcome.kind === 'workload' && seen.item.outcome.workload.workload, 'web')
  })

  motoTest('an API that fails, and then knows of nothing, takes no workload away', async (t, moto) => {
    const cluster = await shop.cluster('bad-day')
    for (let task = 0; task < 8; task++) await shop.run(cluster)
    const proxy = await FaultProxy.start(moto.endpoint)
    const watched = watchAws(ecs, proxy.endpoint, { clusters: ['bad-day'] }, { limits: { interval: '1s', holdFor: '1h' } })
    t.after(async () => {
      await watched.source[Symbol.asyncDispose]()
      await proxy[Symbol.asyncDispose]()
    })
    const scope = () => watched.source.status().scopes[0]
    const listings = () => proxy.calls.get('ListTasks') ?? 0
    await until(scope, it => it?.state === 'Synced' && it.workloads === 8, 'all are found')

    proxy.fault = () => ({ kind: 'reply', status: 503, body: 'Service Unavailable' })
    await until(scope, it => it?.state === 'Failing', 'the failure is told')
    proxy.fault = ({ operation, body }) => {
      if (operation === 'ListTasks') return { kind: 'reply', status: 200, body: JSON.stringify({ taskArns: [] }) }
      if (operation !== 'DescribeTasks') return undefined
      const failures = (JSON.parse(body) as { tasks: string[] }).tasks.map(arn => ({ arn, reason: 'MISSING' }))
      return { kind: 'reply', status: 200, body: JSON.stringify({ tasks: [], failures }) }
    }
    await until(scope, it => it?.state === 'Held', 'the removal is held')
    const before = listings()
    await until(listings, count => count > before + 2, 'the lie is told again')
    assert.equal(scope()!.workloads, 8)
    proxy.fault = () => undefined
    await until(scope, it => it?.state === 'Synced', 'it is well again')

    assert.equal(scope()!.workloads, 8)
    assert.deepEqual(watched.removed, [])
  })

  motoTest('an event that cannot be made whole comes again until it can', async (t, moto) => {
    const cluster = await shop.cluster('patience')
    const queue = await eventQueue(moto)
    const proxy = await FaultProxy.start(moto.endpoint)
    t.after(() => proxy[Symbol.asyncDispose]())
    await using source = await openAws(ecs, proxy.endpoint, { events: { queueUrl: queue.url } })
    const scope = await scopeNamed(source, 'patience')
    await source.list(scope, soon())
    const changes = followed(t, source, scope)
    const [arn] = await shop.run(cluster)
    const { tasks } = await shop.ecs.send(new DescribeTasksCommand({ cluster, tasks: [arn!] }))
    let refused = 0
    proxy.fault = ({ operation }) =>
      operation === 'DescribeTasks' && refused++ < 3 ? { kind: 'reply', status: 503, body: 'busy' } : undefined

    await queue.put({ ...tasks![0]!, version: 1 })

    await until(
      () => changes.length,
      count => count === 1,
      'the task is told in the end',
    )
    await until(queue.left, left => left === 0, 'and its message is removed')
    assert.ok(refused >= 3)
  })
})

const deniedByTrustPolicy = `<ErrorResponse><Error><Code>AccessDenied</Code><Message>User: arn:aws:iam::${ownAccount}:user/skerry is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::333333333333:role/skerry</Message></Error></ErrorResponse>`

function followed(t: TestContext, source: OpenAdapter, scope: Parameters<NonNullable<OpenAdapter['follow']>>[0]): Change[] {
  const changes: Change[] = []
  const stop = new AbortController()
  const ended = source.follow!(scope, undefined, its => changes.push(...its), stop.signal)
  t.after(async () => {
    stop.abort()
    await ended
  })
  return changes
}

/** As `ready 3`. */
function wordOf(change: Change): string {
  if (change.kind === 'gone') return `gone ${change.gone.version} ${change.gone.reason}`
  const { outcome, version } = change.item
  return `${outcome.kind === 'workload' ? outcome.workload.state : outcome.reason} ${version}`
}

async function assumed(emulator: AwsEmulator, account: string): Promise<EmulatorClientOptions> {
  const command = new AssumeRoleCommand({ RoleArn: `arn:aws:iam::${account}:role/admin`, RoleSessionName: 'test' })
  const { Credentials } = await new STSClient(emulator.options()).send(command)
  return emulator.options({
    accessKeyId: Credentials!.AccessKeyId!,
    secretAccessKey: Credentials!.SecretAccessKey!,
    sessionToken: Credentials!.SessionToken!,
  })
}
