import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { failuresOf, Load, type Sample, servedBy } from '../../dev/load.ts'
import { DemoMesh } from '../../dev/mesh.ts'

/** The mesh of `npm start`, under 200 requests a second, while its parts are killed one after the other. */
let mesh: DemoMesh
let directory: string

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'skerry-e2e-'))
  mesh = await DemoMesh.start({ dataDir: directory, restartAfterMs: null })
})

after(async () => {
  await mesh?.stop()
  await rm(directory, { recursive: true, force: true })
})

const perSecond = 200

/** Runs load, kills, waits, revives, waits until the shop is as before. Answers all samples and when the kill was. */
async function whileKilling(
  names: readonly string[],
  downMs: number,
): Promise<{ samples: readonly Sample[]; killedAt: number; revivedAt: number }> {
  const load = new Load(mesh.urls.shop, perSecond)
  await load.until(sample => servedBy(sample) === 'aws-1', 15_000)
  await pause(1000)
  const killedAt = load.elapsedMs
  for (const name of names) assert.ok(mesh.supervisor.kill(name), `${name} runs`)
  await pause(downMs)
  const revivedAt = load.elapsedMs
  for (const name of names) mesh.supervisor.revive(name)
  await load.until(sample => servedBy(sample) === 'aws-1', 30_000, revivedAt)
  await pause(3000)
  return { samples: await load.stop(), killedAt, revivedAt }
}

/** Requests that were on their way when the kill came may fail; those that started later may not, nor any before. */
function assertOnlyInFlight(samples: readonly Sample[], killedAt: number, graceMs = 0): void {
  const told = (failed: readonly Sample[]) =>
    failed.slice(0, 5).map(sample => ({
      at: Math.round(sample.at),
      afterKillMs: Math.round(sample.at - killedAt),
      status: sample.status,
      body: sample.body.slice(0, 300),
    }))
  const late = failuresOf(samples, killedAt + 50 + graceMs)
  assert.deepEqual(told(late), [], `${late.length} of ${samples.length} failed after the kill`)
  const early = failuresOf(samples, 0, killedAt).filter(sample => sample.at + sample.tookMs < killedAt)
  assert.deepEqual(told(early), [], `${early.length} of ${samples.length} failed before the kill`)
}

test('the death of payments’ application in aws-1 costs no request but those in flight, and traffic comes back', async () => {
  const { samples, killedAt } = await whileKilling(['payments-aws-1-app'], 3000)
  assertOnlyInFlight(samples, killedAt)
  assert.ok(samples.some(sample => servedBy(sample) === 'azure-1'))
})

test('the death of payments’ sidecar in aws-1 costs no request but those in flight', async () => {
  const { samples, killedAt } = await whileKilling(['payments-aws-1'], 3000)
  assertOnlyInFlight(samples, killedAt)
})

test('the death of the zone gateway of aws-1 costs no request but those in flight', async () => {
  const { samples, killedAt } = await whileKilling(['zone-gateway-aws-1'], 3000)
  assertOnlyInFlight(samples, killedAt)
})

test('the death of all of aws-1 costs no request but those in flight and at most a second', async () => {
  const names = mesh.supervisor.processes().filter(process => process.zone === 'aws-1')
  const { samples, killedAt } = await whileKilling(
    names.map(process => process.name),
    5000,
  )
  assertOnlyInFlight(samples, killedAt, 1000)
})

test('a zone that is dead, while global is too, comes last at the callers of the other zone, and first again when it is back', async () => {
  const doubted = async () => {
    const path = '/meshes/default/dataplanes/orders-azure-1/_inspect'
    const { warnings } = (await mesh.api(mesh.zoneApi('azure-1'), path)) as { warnings: { reason: string }[] }
    return warnings.some(({ reason }) => reason.startsWith('zone aws-1 comes last, because it seems dead: global cannot be asked'))
  }
  const names = mesh.supervisor.processes().flatMap(({ name, zone }) => (zone === 'aws-1' || name === 'global' ? [name] : []))
  const load = new Load(mesh.urls.shop, perSecond)
  await load.until(sample => servedBy(sample) === 'aws-1', 15_000)
  assert.equal(await doubted(), false)
  const killedAt = load.elapsedMs
  for (const name of names) assert.ok(mesh.supervisor.kill(name), `${name} runs`)
  const deadline = Date.now() + 15_000
  while (!(await doubted())) {
    assert.ok(Date.now() < deadline, 'the dead zone is in doubt within seconds')
    await pause(200)
  }
  const revivedAt = load.elapsedMs
  for (const name of names) mesh.supervisor.revive(name)
  await load.until(sample => servedBy(sample) === 'aws-1', 30_000, revivedAt)
  assert.equal(await doubted(), false)
  await pause(2000)
  assertOnlyInFlight(await load.stop(), killedAt, 1000)
})

for (const name of ['global', 'aws-1', 'azure-1', 'zone-gateway-azure-1', 'payments-azure-1']) {
  test(`the death and return of ${name} costs no request at all`, async () => {
    const { samples } = await whileKilling([name], 3000)
    assert.deepEqual(
      failuresOf(samples)
        .slice(0, 5)
        .map(sample => [Math.round(sample.at), sample.status, sample.body.slice(0, 200)]),
      [],
    )
  })
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
