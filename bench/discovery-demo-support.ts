import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { UpdateServiceCommand } from '@aws-sdk/client-ecs'
import { cluster } from '../dev/cloud/cloud-resources.ts'
import { findMinistack } from '../dev/cloud/ministack.ts'
import { Load } from '../dev/load.ts'
import { DemoMesh } from '../dev/mesh.ts'
import { until } from '../dev/parts.ts'

const times = 10

/** From the event of a task that runs to the first request that it answers. null: there is no fake cloud on this machine. */
export async function measureDemo(): Promise<{ readonly medianMs: number; readonly longestMs: number } | null> {
  const command = await findMinistack(process.env)
  if (command === null) {
    process.stderr.write('discovery demo: left out, as ministack is not there\n')
    return null
  }
  const directory = await mkdtemp(join(tmpdir(), 'skerry-bench-demo-'))
  const mesh = await DemoMesh.start({ dataDir: directory, restartAfterMs: null, fakeCloud: { command, interval: '60s' } })
  const load = new Load(`http://127.0.0.1:${mesh.layout.ports['web-http-proxy']}/`, 100, { host: 'recommendations.mesh' })
  try {
    const { ecs, tasks } = mesh.cloud!
    await load.until(sample => sample.ok, 20_000)
    const took: number[] = []
    for (let count = 1; count <= times; count++) {
      const known = new Set(tasks.sent.map(({ record }) => record.arn))
      await ecs.send(new UpdateServiceCommand({ cluster, service: 'recommendations', desiredCount: 2 + (count % 2) }))
      // Every second time one goes.
      if (count % 2 === 0) {
        await until(async () => tasks.sent.at(-1)?.record.lastStatus === 'STOPPED', 30_000)
        continue
      }
      const isNew = (event: (typeof tasks.sent)[number]) => event.record.lastStatus === 'RUNNING' && !known.has(event.record.arn)
      await until(async () => tasks.sent.some(isNew), 30_000)
      const { record, atMs } = tasks.sent.find(isNew)!
      const { at, tookMs } = await load.until(sample => sample.body.includes(record.arn.slice(-36, -28)), 30_000)
      took.push(load.startedAtMs + at + tookMs - atMs)
    }
    took.sort((a, b) => a - b)
    return { medianMs: took[took.length >> 1]!, longestMs: took.at(-1)! }
  } finally {
    await load.stop()
    await mesh.stop()
    await rm(directory, { recursive: true, force: true })
  }
}
