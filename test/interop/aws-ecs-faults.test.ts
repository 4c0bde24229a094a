import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { UpdateServiceCommand } from '@aws-sdk/client-ecs'
import { type OpenAdapter, SourceCallError } from '../../src/adapters/adapter.ts'
import { ecs } from '../../src/adapters/ecs/list.ts'
import { AwsEmulator, ownAccount } from './aws-emulators.ts'
import { Shop } from './aws-shop.ts'
import { openAws, scopeNamed, soon, until } from './aws-sources.ts'
import { FaultProxy } from './fault-proxy.ts'

describe('ECS on ministack', { timeout: 280_000 }, () => {
  const tasks = 120
  let ministack: AwsEmulator | string
  let cluster: string
  let shop: Shop

  before(async () => {
    ministack = await AwsEmulator.ministack()
    if (typeof ministack === 'string') return
    shop = await Shop.open(ministack.options())
    cluster = await shop.cluster('prod')
    await shop.service(cluster, 'shop', tasks)
  })
  after(async () => {
    if (typeof ministack !== 'string') await ministack[Symbol.asyncDispose]()
  })

  const faultTest = (sentence: string, body: (source: OpenAdapter, proxy: FaultProxy) => Promise<void>) =>
    test(sentence, async t => {
      if (typeof ministack === 'string') return t.skip(ministack)
      await using proxy = await FaultProxy.start(ministack.endpoint)
      await using source = await openAws(ecs, proxy.endpoint)
      await body(source, proxy)
    })

  faultTest('all pages are read, in as many calls as there are hundreds', async (source, proxy) => {
    const scope = await scopeNamed(source, 'prod')
    proxy.calls.clear()

    const listing = await source.list(scope, soon())

    assert.deepEqual(
      { complete: listing.complete, missing: listing.missing, items: listing.items.length },
      { complete: true, missing: [], items: tasks },
    )
    assert.deepEqual(Object.fromEntries(proxy.calls), {
      ListTasks: 2,
      DescribeTasks: 2,
      DescribeServices: 1,
      DescribeTaskDefinition: 1,
    })
    assert.equal(listing.items[0]!.facts.service, 'shop')
    assert.equal(listing.items[0]!.version, 1)
    assert.equal(await source.count!(scope, soon()), tasks)
  })

  faultTest('a definition is read once', async (source, proxy) => {
    const scope = await scopeNamed(source, 'prod')
    await source.list(scope, soon())
    proxy.calls.clear()

    await source.list(scope, soon())

    assert.equal(proxy.calls.get('DescribeTaskDefinition'), undefined)
  })

  faultTest('a token that is lost on the way, and an answer that knows no tasks, take none away', async (source, proxy) => {
    const scope = await scopeNamed(source, 'prod')
    const first = await source.list(scope, soon())
    const lies = [
      (body: string) => JSON.stringify({ ...(JSON.parse(body) as object), nextToken: undefined }),
      () => JSON.stringify({ taskArns: [] }),
    ]
    for (const change of lies) {
      proxy.fault = ({ operation }) => (operation === 'ListTasks' ? { kind: 'change', change } : undefined)

      const listing = await source.list(scope, soon())

      assert.deepEqual(listing.items.map(({ id }) => id).sort(), first.items.map(({ id }) => id).sort())
      assert.deepEqual(listing.gone, [])
    }
  })

  faultTest('an empty answer with status 200 is no answer', async (source, proxy) => {
    const scope = await scopeNamed(source, 'prod')
    for (const operation of ['ListTasks', 'DescribeTasks']) {
      proxy.fault = request => (request.operation === operation ? { kind: 'reply', status: 200, body: '{}' } : undefined)

      await assert.rejects(source.list(scope, soon()), error => error instanceof SourceCallError && error.what === 'garbled')
    }
  })

  faultTest('throttling is waited for, and a page that cannot be had makes the listing incomplete', async (source, proxy) => {
    const scope = await scopeNamed(source, 'prod')
    let refusals = 0
    proxy.fault = ({ operation }) => (operation === 'ListTasks' && refusals++ === 0 ? throttled : undefined)
    assert.equal((await source.list(scope, soon())).complete, true)

    let asked = 0
    proxy.fault = ({ operation }) =>
      operation === 'DescribeTasks' && ++asked > 1 ? { kind: 'reply', status: 503, body: 'busy' } : undefined
    const listing = await source.list(scope, soon())

    assert.equal(listing.complete, false)
    assert.equal(listing.items.length, 100)
    assert.deepEqual(listing.gone, [])
    assert.match(listing.missing.join(), /20 could not be asked for.*503/)
  })

  faultTest('what hangs ends when it is given up', async (source, proxy) => {
    const scope = await scopeNamed(source, 'prod')
    proxy.fault = () => ({ kind: 'hang' })
    const giveUp = new AbortController()

    const listing = source.list(scope, giveUp.signal)
    await until(
      () => proxy.calls.get('ListTasks') ?? 0,
      count => count > 0,
      'it asks',
    )
    giveUp.abort(new Error('enough'))

    await assert.rejects(listing, /enough/)
  })

  faultTest('services that may not be read leave tasks as they were known, and say which permission is missing', async (source, proxy) => {
    const scope = await scopeNamed(source, 'prod')
    await source.list(scope, soon())
    proxy.fault = ({ operation }) =>
      operation === 'DescribeServices' ? { kind: 'reply', status: 400, body: denied('ecs:DescribeServices') } : undefined

    const listing = await source.list(scope, soon())

    assert.equal(listing.complete, false)
    assert.equal(listing.items.length, tasks)
    assert.match(listing.missing.join(), /may not ecs:DescribeServices: add ecs:DescribeServices to the policy/)
  })

  faultTest('tasks of a rollout are told of both revisions', async source => {
    const scope = await scopeNamed(source, 'prod')
    await shop.service(cluster, 'rolling', 3)
    await shop.register('shop-of-rolling', 'v2')
    const [old] = (await source.list(scope, soon())).items.filter(({ facts }) => facts.service === 'rolling')

    await shop.ecs.send(new UpdateServiceCommand({ cluster, service: 'rolling', taskDefinition: await shop.register('rolling', 'v2') }))
    const listing = await source.list(scope, soon())

    const definitions = listing.items.filter(({ facts }) => facts.service === 'rolling').map(({ facts }) => facts.definition)
    assert.ok(definitions.includes('rolling:2'), definitions.join())
    assert.ok(
      definitions.includes('rolling:1') || listing.gone.some(({ id }) => id === old!.id),
      'the old ones are told as they are: still running, or stopped',
    )
  })
})

const throttled = { kind: 'reply', status: 400, body: JSON.stringify({ __type: 'ThrottlingException', message: 'Rate exceeded' }) } as const

function denied(action: string): string {
  const message = `User: arn:aws:iam::${ownAccount}:role/skerry is not authorized to perform: ${action} on resource: *`
  return JSON.stringify({ __type: 'AccessDeniedException', message })
}
