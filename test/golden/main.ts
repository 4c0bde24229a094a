import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { goldens, scenarios } from './scenario.ts'

/** `npm run golden -- [--write] [NAME…]`: says which goldens differ from what is made now; with `--write`, writes them. */
const args = process.argv.slice(2)
const writes = args.includes('--write')
const names = args.filter(arg => !arg.startsWith('-'))
const chosen = scenarios().filter(scenario => names.length === 0 || names.some(name => scenario.name.includes(name)))
let differing = 0

for (const scenario of chosen) {
  for (const [what, text] of Object.entries(goldens(scenario))) {
    const file = join(scenario.folder, `${what}.yaml`)
    if (existsSync(file) && readFileSync(file, 'utf8') === text) continue
    differing++
    if (writes) writeFileSync(file, text)
    process.stdout.write(`${writes ? 'written' : 'differs'}: ${scenario.name}/${what}.yaml\n`)
  }
}
process.stdout.write(`${chosen.length} scenarios, ${differing} goldens ${writes ? 'written' : 'differ'}\n`)
if (differing > 0 && !writes) process.exitCode = 1
