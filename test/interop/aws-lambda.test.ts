import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import {
  CreateAliasCommand,
  CreateFunctionCommand,
  DeleteAliasCommand,
  DeleteFunctionCommand,
  InvokeCommand,
  LambdaClient,
  PublishVersionCommand,
  TagResourceCommand,
  UpdateAliasCommand,
} from '@aws-sdk/client-lambda'
import { storedZip } from '../../dev/cloud/stored-zip.ts'
import type { Listing } from '../../src/adapters/adapter.ts'
import { lambda } from '../../src/adapters/lambda/list.ts'
import { AwsEmulator, ownAccount } from './aws-emulators.ts'
import { openAws, scopeNamed, soon, until, workloadsOf } from './aws-sources.ts'
import { FaultProxy } from './fault-proxy.ts'

describe('Lambda on ministack', { timeout: 280_000 }, () => {
  let ministack: AwsEmulator | string
  let client: LambdaClient

  before(async () => {
    ministack = await AwsEmulator.ministack()
    if (typeof ministack === 'string') return
    client = new LambdaClient(ministack.options())
    await create('checkout', { 'skerry.io/expose': 'true', 'skerry.io/aliases': 'live', team: 'shop' })
    await client.send(new CreateAliasCommand({ FunctionName: 'checkout', Name: 'live', FunctionVersion: '1' }))
    await create('private', { team: 'shop' })
    await create('bare', { 'skerry.io/expose': 'true' })
  })
  after(async () => {
    if (typeof ministack !== 'string') await ministack[Symbol.asyncDispose]()
  })

  const lambdaTest = (sentence: string, body: (t: TestContext, endpoint: string) => Promise<void>) =>
    test(sentence, async t => (typeof ministack === 'string' ? t.skip(ministack) : body(t, ministack.endpoint)))

  lambdaTest('functions that want to be called are found by their tag, and called by their alias', async (_t, endpoint) => {
    await using source = await openAws(lambda, endpoint, {}, { mapping: { copyLabels: ['team'] } })
    const scope = await scopeNamed(source, 'lambda')

    const listing = await until(
      () => source.list(scope, soon()),
      it => workloadsOf(it).some(({ state }) => state === 'ready'),
      'the function is active',
    )

    assert.deepEqual({ complete: listing.complete, missing: listing.missing }, { complete: true, missing: [] })
    const [found, ...others] = workloadsOf(listing)
    assert.deepEqual(others, [])
    assert.equal(found!.workload, 'checkout')
    assert.deepEqual(found!.labels, { team: 'shop', version: '1' })
    assert.deepEqual(found!.lambda, { arn: `arn:aws:lambda:eu-west-1:${ownAccount}:function:checkout:live`, endpoint, payload: 'http-2.0' })
    assert.deepEqual(found!.ports, [{ name: 'main', port: 443, protocol: 'http' }])
    const answer = await client.send(new InvokeCommand({ FunctionName: found!.lambda!.arn, Payload: '{}' }))
    assert.match(Buffer.from(answer.Payload!).toString(), /hello/, 'what was found can be invoked')
  })

  lambdaTest('a function without an alias is left out, with what to do', async (_t, endpoint) => {
    await using source = await openAws(lambda, endpoint)
    const listing = await source.list(await scopeNamed(source, 'lambda'), soon())

    assert.match(leftOut(listing, 'bare'), /it has no alias/)
  })

  lambdaTest('tags of include find functions that do not name the mesh', async (_t, endpoint) => {
    await create('reports', { team: 'data', 'skerry.io/aliases': 'latest' })
    await using source = await openAws(lambda, endpoint, {}, { include: [{ matchLabels: { team: 'data' } }] })
    const listing = await source.list(await scopeNamed(source, 'lambda'), soon())

    assert.deepEqual(
      workloadsOf(listing).map(({ workload, lambda }) => [workload, lambda?.arn.split(':').at(-1)]),
      [['reports', '$LATEST']],
    )
  })

  lambdaTest(
    'a weighted alias shows its versions, a second alias has its own name, and one that is removed is gone',
    async (_t, endpoint) => {
      await create('pay', { 'skerry.io/expose': 'true' })
      await client.send(new PublishVersionCommand({ FunctionName: 'pay' }))
      await client.send(new CreateAliasCommand({ FunctionName: 'pay', Name: 'live', FunctionVersion: '1' }))
      const weights = { RoutingConfig: { AdditionalVersionWeights: { '2': 0.25 } } }
      await client.send(new UpdateAliasCommand({ FunctionName: 'pay', Name: 'live', FunctionVersion: '1', ...weights }))
      await client.send(new CreateAliasCommand({ FunctionName: 'pay', Name: 'beta', FunctionVersion: '1' }))
      await using source = await openAws(lambda, endpoint)
      const scope = await scopeNamed(source, 'lambda')
      const listing = await source.list(scope, soon())
      const ofPay = ({ items }: Listing) => items.filter(({ facts }) => facts.name === 'pay')

      assert.deepEqual(
        ofPay(listing)
          .map(({ facts }) => facts.versions)
          .sort(),
        ['1', '1 75 %, 2 25 %'],
      )
      assert.deepEqual(
        workloadsOf(listing)
          .map(({ workload }) => workload)
          .filter(name => name.startsWith('pay'))
          .sort(),
        ['pay-beta', 'pay-live'],
      )
      await client.send(new DeleteAliasCommand({ FunctionName: 'pay', Name: 'beta' }))

      const beta = `arn:aws:lambda:eu-west-1:${ownAccount}:function:pay:beta`
      assert.equal(ofPay(await source.list(scope, soon())).length, 1)
      const confirmed = await source.confirm!(scope, [beta, beta.replace('beta', 'live')], soon())
      assert.equal((confirmed.get(beta) as { id: string }).id, beta)
      assert.equal(confirmed.get(beta.replace('beta', 'live')), 'there')
    },
  )

  lambdaTest('a function that is deleted is no more, and that there are none at all is known from elsewhere', async (_t, endpoint) => {
    await create('short-lived', { 'skerry.io/expose': 'true', 'skerry.io/aliases': 'latest' })
    await using source = await openAws(lambda, endpoint)
    const scope = await scopeNamed(source, 'lambda')
    const isThere = (listing: Listing) => listing.items.some(({ facts }) => facts.name === 'short-lived')
    assert.ok(isThere(await source.list(scope, soon())))

    await client.send(new DeleteFunctionCommand({ FunctionName: 'short-lived' }))

    assert.ok(!isThere(await source.list(scope, soon())))
    assert.equal(await source.count!(scope, soon()), null, 'of other functions nothing follows')
  })

  lambdaTest('a bad tag leaves out its function alone', async (_t, endpoint) => {
    const Resource = `arn:aws:lambda:eu-west-1:${ownAccount}:function:bare`
    await client.send(new TagResourceCommand({ Resource, Tags: { 'skerry.io/aliases': 'latest', 'skerry.io/payload': 'xml' } }))
    await using source = await openAws(lambda, endpoint)
    const listing = await source.list(await scopeNamed(source, 'lambda'), soon())

    assert.match(leftOut(listing, 'bare'), /write http-2[.]0 or passthrough/)
    assert.ok(workloadsOf(listing).some(({ workload }) => workload === 'checkout'))
  })

  lambdaTest('a function that cannot be asked about makes the listing incomplete, and costs no other', async (_t, endpoint) => {
    await using proxy = await FaultProxy.start(endpoint)
    await using source = await openAws(lambda, proxy.endpoint)
    const scope = await scopeNamed(source, 'lambda')
    proxy.fault = ({ path }) =>
      path.includes('bare') && path.endsWith('/aliases')
        ? { kind: 'reply', status: 400, body: JSON.stringify({ __type: 'InvalidParameterValueException', message: 'no' }) }
        : undefined

    const listing = await source.list(scope, soon())

    assert.equal(listing.complete, false)
    assert.match(listing.missing.join(), /bare/)
    assert.ok(workloadsOf(listing).some(({ workload }) => workload === 'checkout'))
  })

  async function create(FunctionName: string, Tags: Record<string, string>): Promise<void> {
    const ZipFile = storedZip('index.mjs', 'export const handler = async () => ({ said: "hello" })')
    const Role = `arn:aws:iam::${ownAccount}:role/functions`
    const command = { FunctionName, Runtime: 'nodejs22.x', Role, Handler: 'index.handler', Code: { ZipFile }, Tags, Publish: true } as const
    await client.send(new CreateFunctionCommand(command))
  }
})

function leftOut({ items }: Listing, name: string): string {
  const outcome = items.find(({ facts }) => facts.name === name)?.outcome
  return outcome?.kind === 'left-out' ? outcome.reason : assert.fail(`${name} is not left out`)
}
