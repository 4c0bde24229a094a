import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import {
  CreateSubnetCommand,
  CreateVpcCommand,
  DescribeInstancesCommand,
  EC2Client,
  RunInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2'
import { type Listing, SourceCallError } from '../../src/adapters/adapter.ts'
import { ec2 } from '../../src/adapters/ec2/list.ts'
import { AwsEmulator, ownAccount } from './aws-emulators.ts'
import { openAws, scopeNamed, soon, workloadsOf } from './aws-sources.ts'
import { FaultProxy } from './fault-proxy.ts'

describe('EC2 on moto', { timeout: 280_000 }, () => {
  let moto: AwsEmulator | string
  let client: EC2Client
  let subnet: string

  before(async () => {
    moto = await AwsEmulator.moto()
    if (typeof moto === 'string') return
    client = new EC2Client(moto.options())
    const { Vpc } = await client.send(new CreateVpcCommand({ CidrBlock: '10.7.0.0/16' }))
    const { Subnet } = await client.send(
      new CreateSubnetCommand({ VpcId: Vpc!.VpcId!, CidrBlock: '10.7.1.0/24', AvailabilityZone: 'eu-west-1b' }),
    )
    subnet = Subnet!.SubnetId!
    await run({ team: 'of-others', Name: 'of others' })
  })
  after(async () => {
    if (typeof moto !== 'string') await moto[Symbol.asyncDispose]()
  })

  const ec2Test = (sentence: string, body: (t: TestContext, endpoint: string) => Promise<void>) =>
    test(sentence, async t => (typeof moto === 'string' ? t.skip(moto) : body(t, moto.endpoint)))

  ec2Test('instances are found by their tag, at their addresses and in their zones', async (_t, endpoint) => {
    const id = await run({ 'skerry.io/service': 'billing', 'skerry.io/ports': 'db:5432+admin:8080:http' })
    const { Reservations } = await client.send(new DescribeInstancesCommand({ InstanceIds: [id] }))
    await using source = await openAws(ec2, endpoint)

    const listing = await source.list(await scopeNamed(source, 'ec2'), soon())

    assert.equal(listing.complete, true)
    const [found, ...others] = workloadsOf(listing)
    assert.deepEqual(others, [])
    assert.equal(found!.workload, 'billing')
    assert.equal(found!.address, Reservations![0]!.Instances![0]!.PrivateIpAddress)
    assert.match(found!.address, /^10[.]7[.]1[.]/)
    assert.deepEqual(found!.locality, { cloud: 'aws', account: ownAccount, region: 'eu-west-1', zone: 'eu-west-1b' })
    assert.deepEqual(found!.ports, [
      { name: 'db', port: 5432, protocol: 'tcp' },
      { name: 'admin', port: 8080, protocol: 'http' },
    ])
  })

  ec2Test('tags of include find instances, each once, whichever include fits', async (_t, endpoint) => {
    const id = await run({ team: 'data', tier: 'back' })
    const include = Object.entries({ team: 'data', tier: 'back' }).map(([tag, value]) => ({ matchLabels: { [tag]: value } }))
    await using source = await openAws(ec2, endpoint, {}, { include, defaults: { port: 9000 } })

    const listing = await source.list(await scopeNamed(source, 'ec2'), soon())

    assert.deepEqual(
      listing.items.map(item => item.id),
      [id],
    )
  })

  ec2Test('an instance that is stopped or terminated is gone, and says so itself', async (_t, endpoint) => {
    const tags = { 'skerry.io/service': 'batch', 'skerry.io/port': '80' }
    const [stopped, terminated, stays] = [await run(tags), await run(tags), await run(tags)]
    await using source = await openAws(ec2, endpoint)
    const scope = await scopeNamed(source, 'ec2')
    const ofBatch = (listing: Listing) => listing.items.filter(({ id }) => [stopped, terminated, stays].includes(id)).map(({ id }) => id)
    assert.equal(ofBatch(await source.list(scope, soon())).length, 3)

    await client.send(new StopInstancesCommand({ InstanceIds: [stopped] }))
    await client.send(new TerminateInstancesCommand({ InstanceIds: [terminated] }))
    const listing = await source.list(scope, soon())

    assert.deepEqual(ofBatch(listing), [stays])
    assert.match(listing.gone.find(({ id }) => id === stopped)!.reason, /^stopped/)
    assert.match(listing.gone.find(({ id }) => id === terminated)!.reason, /^terminated/)
  })

  ec2Test('single instances are asked for, also among some that never were', async (_t, endpoint) => {
    const there = await run({ 'skerry.io/service': 'one', 'skerry.io/port': '80' })
    await using source = await openAws(ec2, endpoint)

    const answers = await source.confirm!(await scopeNamed(source, 'ec2'), ['i-00000000000000001', there], soon())

    assert.equal(answers.get(there), 'there')
    const gone = answers.get('i-00000000000000001')
    assert.ok(typeof gone === 'object' && gone.inferred)
  })

  ec2Test('what EC2 refuses or does not answer is told as what it is', async (_t, endpoint) => {
    await using proxy = await FaultProxy.start(endpoint)
    await using source = await openAws(ec2, proxy.endpoint)
    const scope = await scopeNamed(source, 'ec2')
    const refusal = (code: string) =>
      `<Response><Errors><Error><Code>${code}</Code><Message>said</Message></Error></Errors><RequestID>1</RequestID></Response>`
    const faults = [
      ['denied', { kind: 'reply', status: 403, body: refusal('UnauthorizedOperation') }],
      ['unreachable', { kind: 'reply', status: 503, body: refusal('Unavailable') }],
      ['garbled', { kind: 'reply', status: 200, body: '<html>an intranet page</html>' }],
      ['garbled', { kind: 'reply', status: 200, body: '' }],
      ['garbled', { kind: 'change', change: body => body.slice(0, body.length / 2) }],
      ['unreachable', { kind: 'reset' }],
    ] as const satisfies readonly (readonly [SourceCallError['what'], ReturnType<FaultProxy['fault']>])[]
    for (const [what, fault] of faults) {
      proxy.fault = () => fault

      await assert.rejects(source.list(scope, soon()), error => error instanceof SourceCallError && error.what === what, what)
    }
  })

  async function run(tags: Record<string, string>): Promise<string> {
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
    const command = new RunInstancesCommand({
      ImageId: 'ami-12345678',
      MinCount: 1,
      MaxCount: 1,
      SubnetId: subnet,
      TagSpecifications: [{ ResourceType: 'instance', Tags }],
    })
    return (await client.send(command)).Instances![0]!.InstanceId!
  }
})
