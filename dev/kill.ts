import { readFile } from 'node:fs/promises'
import type { MeshState } from './mesh.ts'

/** `npm run kill -- aws-1`: kill -9 of every process of a zone of the running demo, or of one process by its name. */
const [target, file = '.skerry/demo.json'] = process.argv.slice(2)
const state = JSON.parse(
  await readFile(file, 'utf8').catch(() => {
    process.stderr.write(`${file} is not there: start the demo with npm start\n`)
    process.exit(69)
  }),
) as MeshState
const chosen = state.processes.filter(process => process.pid > 0 && (process.zone === target || process.name === target))
if (!target || chosen.length === 0) {
  process.stderr.write(
    `npm run kill -- ZONE|PROCESS, with one of:\n  ${[...new Set(state.processes.flatMap(process => [process.zone, process.name]))].filter(Boolean).join('\n  ')}\n`,
  )
  process.exit(64)
}
for (const { pid, name } of chosen) {
  process.kill(pid, 'SIGKILL')
  process.stdout.write(`killed ${name} (${pid})\n`)
}
