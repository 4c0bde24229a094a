import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { envoyBinary } from './envoy-binary.ts'

/** The oldest that is accepted (`src/proxy/envoy/find-envoy.ts`). */
const older = '1.36.4'
const skip = (await envoyBinary(older)) ? false : `there is no Envoy ${older}: ENVOY_VERSION=${older} shared/peers/envoy.sh gets it`

for (const suite of ['envoy-validate', 'envoy', 'data-planes', 'envoy-gateways', 'envoy-life']) {
  test(`${suite} holds on Envoy ${older} as well`, { skip, timeout: 300_000 }, async () => {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const file = join(import.meta.dirname, `${suite}.test.ts`)
    const child = spawn(process.execPath, ['--test', '--test-isolation=none', file], {
      env: { ...env, ENVOY_VERSION: older },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    child.stdout.on('data', part => {
      said += part
    })
    const [code] = await once(child, 'exit')

    assert.equal(code, 0, said.slice(-6000))
  })
}
