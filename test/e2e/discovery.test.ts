import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { DescribeTasksCommand, ListTasksCommand, StopTaskCommand, UpdateServiceCommand } from '@aws-sdk/client-ecs'
import { cloudResources, cluster } from '../../dev/cloud/cloud-resources.ts'
import type { FakeCloud } from '../../dev/cloud/fake-cloud.ts'
import { findMinistack } from '../../dev/cloud/ministack.ts'
import type { SentEvent } from '../../dev/cloud/tasks.ts'
import { failuresOf, Load, type Sample } from '../../dev/load.ts'
import { DemoMesh } from '../../dev/mesh.ts'
import { until } from '../../dev/parts.ts'
import { fetchMinistack } from '../interop/aws-emulators.ts'

/** Tasks and functions of a fake AWS account, discovered by zone aws-1 and called by a sidecar in azure-1. */
const ministack = (await findMinistack(process.env)) ?? (await fetchMinistack())
const skip = ministack === null ? 'ministack cannot be had: it is neither installed nor fetched by a script of SKERRY_PEERS' : false
/** Twelve from one listing to the next, where the cloud has a bad day. */
const intervals = 12_000

describe('a cloud that is discovered', { skip }, () => {
  let mesh: DemoMesh
  let cloud: FakeCloud
  let directory: string
  const loads: Load[] = []

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'skerry-discovery-'))
    // Longer than any test takes: what is told in between, events tell.
    const fakeCloud = { command: ministack!, interval: '10m' }
    mesh = await DemoMesh.start({ dataDir: join(directory, '.skerry'), restartAfterMs: null, fakeCloud })
    cloud = mesh.cloud!
  })
  after(async () => {
    for (const load of loads) await load.stop()
    await mesh?.stop()
    await rm(directory, { recursive: true, force: true })
  })

  /** From the sidecar of web, in azure-1. */
  function call(service: string, perSecond: number): Load {
    const load = new Load(`http://127.0.0.1:${mesh.layout.ports['web-http-proxy']}/`, perSecond, { host: `${service}.mesh` })
    loads.push(load)
    return load
  }

  const scale = (desiredCount: number) => cloud.ecs.send(new UpdateServiceCommand({ cluster, service: 'recommendations', desiredCount }))
  const eventOf = async (fits: (event: SentEvent) => boolean): Promise<SentEvent> => {
    await until(async () => cloud.tasks.sent.some(fits), 30_000)
    return cloud.tasks.sent.find(fits)!
  }
  /** The state of each scope, by its source. */
  async function states(): Promise<Record<string, string>> {
    const { items } = (await mesh.api(mesh.zoneApi('aws-1'), '/discovery/sources')) as DiscoveryAnswer
    return Object.fromEntries(items.map(({ name, scopes }) => [name, scopes.map(it => it.state).join()]))
  }

  test('a task that starts is called by a sidecar in the other zone', async t => {
    const load = call('recommendations', 50)
    await load.until(sample => sample.ok, 20_000)
    const known = new Set(cloud.tasks.sent.map(({ record }) => record.arn))
    await scale(3)

    const { record, atMs } = await eventOf(({ record }) => record.lastStatus === 'RUNNING' && !known.has(record.arn))
    const first = await load.until(sample => instanceOf(sample) === shortId(record.arn), 20_000)
    const tookMs = first.at + first.tookMs - (atMs - load.startedAtMs)
    t.diagnostic(`called ${Math.round(tookMs)} ms after its event`)
    assert.ok(tookMs < 10_000, `it was called only ${Math.round(tookMs)} ms after its event`)
    assert.deepEqual(failuresOf(await load.stop()), [])
  })

  test('a task that stops gets no request from then on, none fails, and its service’s next one is called', async () => {
    const load = call('recommendations', 50)
    await load.until(sample => sample.ok, 20_000)
    const { taskArns = [] } = await cloud.ecs.send(new ListTasksCommand({ cluster }))
    const arn = taskArns[0]!
    await load.until(sample => instanceOf(sample) === shortId(arn), 20_000)
    const known = new Set(cloud.tasks.sent.map(({ record }) => record.arn))
    await cloud.ecs.send(new StopTaskCommand({ cluster, task: arn, reason: 'a test' }))

    const stopped = await eventOf(({ record }) => record.arn === arn && record.lastStatus === 'STOPPED')
    const next = await eventOf(({ record }) => record.lastStatus === 'RUNNING' && !known.has(record.arn))
    await load.until(sample => instanceOf(sample) === shortId(next.record.arn), 20_000)
    const samples = await load.stop()
    const stoppedAt = stopped.atMs - load.startedAtMs
    assert.deepEqual(failuresOf(samples), [])
    assert.deepEqual(
      samples.filter(sample => sample.at > stoppedAt && instanceOf(sample) === shortId(arn)),
      [],
    )
    const { tasks = [] } = await cloud.ecs.send(new DescribeTasksCommand({ cluster, tasks: [arn] }))
    assert.equal(tasks[0]?.lastStatus, 'STOPPED')
  })

  test('a function is called with the identity of who calls', async () => {
    const load = call('greeting', 5)
    const { body } = await load.until(sample => sample.ok, 20_000)
    await load.stop()

    const { service, caller } = JSON.parse(body) as { service: string; caller: string }
    assert.equal(service, 'greeting')
    assert.equal(caller, 'URI=spiffe://default.azure-1.mesh.local/workload/web')
  })

  test('a cloud API that fails, and then lies, costs not one request', async () => {
    for (const resource of cloudResources(mesh.urls.cloud!, '1s')) {
      if (resource.type !== 'DiscoverySource') continue
      await mesh.api(mesh.globalApi, `/meshes/default/discoverysources/${resource.name}`, { method: 'PUT', body: resource })
    }
    await until(async () => Object.values(await states()).every(state => state === 'Synced'), 30_000)
    const both = [call('recommendations', 50), call('greeting', 10)]
    await Promise.all(both.map(load => load.until(sample => sample.ok, 20_000)))
    const begun = both.map(load => load.elapsedMs)

    cloud.front.weather = 'down'
    await until(async () => Object.values(await states()).every(state => state === 'Failing'), 30_000)
    await delay(intervals)
    cloud.front.weather = 'empty'
    await until(async () => (await states())['shop-ecs'] === 'Held', 60_000)
    await delay(intervals)
    assert.equal((await states())['shop-ecs'], 'Held')

    cloud.front.weather = 'fine'
    await until(async () => Object.values(await states()).every(state => state === 'Synced'), 60_000)
    for (const [index, load] of both.entries()) {
      const samples = await load.stop()
      assert.ok(samples.length > 100)
      assert.deepEqual(failuresOf(samples, begun[index]), [])
    }
  })

  test('a service that shrinks goes on with the tasks that remain', async () => {
    const load = call('recommendations', 50)
    await load.until(sample => sample.ok, 20_000)
    await scale(2)
    await until(async () => runningInstances(cloud) === 2, 30_000)

    const remaining = new Set(
      cloud.tasks.sent.filter(({ record }) => cloud.tasks.record(record.arn)?.lastStatus === 'RUNNING').map(it => shortId(it.record.arn)),
    )
    const from = load.elapsedMs
    await load.until(sample => sample.at > from + 1000, 20_000)
    const samples = await load.stop()
    assert.deepEqual(failuresOf(samples), [])
    assert.ok(samples.filter(sample => sample.at > from).every(sample => remaining.has(instanceOf(sample))))
  })
})

interface DiscoveryAnswer {
  readonly items: readonly { readonly name: string; readonly scopes: readonly { readonly state: string }[] }[]
}

function instanceOf({ body }: Sample): string {
  return /"instance":"([^"]+)"/.exec(body)?.[1] ?? ''
}

function shortId(arn: string): string {
  return arn.slice(-36, -28)
}

function runningInstances({ tasks }: FakeCloud): number {
  const arns = new Set(tasks.sent.map(({ record }) => record.arn))
  return [...arns].filter(arn => tasks.record(arn)?.lastStatus === 'RUNNING').length
}
