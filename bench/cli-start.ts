import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { Figure } from './figure.ts'

export const about = 'how long the command line takes to start'

const skerry = join(import.meta.dirname, '../bin/skerry.js')
const rounds = 15

/** Warm: the first run fills the compile cache and is not counted. */
export async function run(): Promise<readonly Figure[]> {
  return [
    { name: 'skerry version', value: median(['version']), unit: 'ms', goal: 150 },
    { name: 'skerry get --help', value: median(['get', '--help']), unit: 'ms', goal: 150 },
    // Nothing listens there: everything but the network.
    {
      name: 'skerry get zones, up to the connection',
      value: median(['get', 'zones', '--api', 'http://127.0.0.1:1']),
      unit: 'ms',
      goal: 150,
    },
  ]
}

function median(args: readonly string[]): number {
  const times = Array.from({ length: rounds + 1 }, () => {
    const start = performance.now()
    spawnSync(process.execPath, [skerry, ...args])
    return performance.now() - start
  })
  return times.slice(1).sort((a, b) => a - b)[Math.floor(rounds / 2)]!
}
