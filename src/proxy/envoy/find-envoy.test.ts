import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { findEnvoy } from './find-envoy.ts'

/** A program that prints this. */
async function aProgram(context: TestContext, prints: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-find-'))
  context.after(() => rm(directory, { recursive: true }))
  const path = join(directory, 'envoy')
  await writeFile(path, `#!/bin/sh\necho '${prints}'\n`)
  await chmod(path, 0o755)
  return path
}

test('the version is what Envoy says of itself, a development version like the release', async context => {
  const release = await aProgram(context, '\n/opt/envoy  version: 9e5580933/1.40.0/Clean/RELEASE/BoringSSL')
  const development = await aProgram(context, 'envoy  version: 9e5580933/1.41.0-dev/Modified/DEBUG/BoringSSL')

  assert.equal(await findEnvoy(release), '1.40.0')
  assert.equal(await findEnvoy(development), '1.41.0')
})

test('an Envoy that is not there, too old or something else is refused with what to do', async context => {
  const old = await aProgram(context, 'envoy  version: abc/1.20.1/Clean/RELEASE/BoringSSL')
  const other = await aProgram(context, 'nginx 1.27')

  await assert.rejects(findEnvoy('/nowhere/envoy'), {
    code: 'SKERRY_ENVOY_MISSING',
    exitCode: 64,
    message: /--envoy-path FILE or SKERRY_ENVOY$/,
  })
  await assert.rejects(findEnvoy('no-such-envoy'), { code: 'SKERRY_ENVOY_MISSING', message: /in PATH/ })
  await assert.rejects(findEnvoy(old), { code: 'SKERRY_ENVOY_VERSION', message: /1\.20\.1, which is too old/ })
  await assert.rejects(findEnvoy(other), { code: 'SKERRY_ENVOY_UNUSABLE', message: /no Envoy/ })
})
