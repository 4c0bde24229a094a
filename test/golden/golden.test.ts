import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { goldens, scenarios } from './scenario.ts'

for (const scenario of scenarios()) {
  test(`golden ${scenario.name}: what is planned, and told to the proxy, is what was judged right`, () => {
    const made = goldens(scenario)
    for (const what of ['plan', 'xds'] as const) {
      const file = join(scenario.folder, `${what}.yaml`)
      assert.ok(existsSync(file), `${file} is not there: judge what \`npm run golden -- --write\` makes of it`)
      assert.equal(
        made[what],
        readFileSync(file, 'utf8'),
        `${file} says otherwise: look at the difference, then \`npm run golden -- --write\``,
      )
    }
  })
}
