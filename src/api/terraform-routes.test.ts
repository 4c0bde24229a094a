import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { anApi, global } from './test-support.ts'

async function aMirror() {
  const opened = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'skerry-mirror-'))
  opened.defer(() => rm(directory, { recursive: true, force: true }))
  const provider = join(directory, 'mirror', 'registry.terraform.io', 'skerry', 'skerry')
  await mkdir(provider, { recursive: true })
  await writeFile(join(provider, 'index.json'), '{"versions":{"0.1.0":{}}}')
  await writeFile(join(directory, 'secret.json'), '{}')
  const api = opened.use(await anApi({ role: global, terraformMirror: join(directory, 'mirror') }))
  return { api, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}

test('the provider is served to whoever asks, without a token', async () => {
  await using mirror = await aMirror()

  const { status, body } = await mirror.api.get('/terraform/providers/registry.terraform.io/skerry/skerry/index.json', { token: null })

  assert.equal(status, 200)
  assert.deepEqual(body, { versions: { '0.1.0': {} } })
})

test('what is not in the mirror is not there, and the answer says what to do', async () => {
  await using mirror = await aMirror()
  const paths = [
    'hashicorp/aws/index.json',
    'skerry/skerry/..%2f..%2f..%2f..%2fsecret.json',
    'skerry/..%2f..%2f/secret.json',
    'skerry/skerry/.json',
  ]

  for (const path of paths) {
    const { status, body } = await mirror.api.get(`/terraform/providers/registry.terraform.io/${path}`, { token: null })
    assert.equal(status, 404, path)
    assert.equal(body.code, 'SKERRY_TERRAFORM_PROVIDER_ABSENT', path)
    assert.match(body.fix, /--terraform-mirror/)
  }
})

test('a control plane without a package has none', async () => {
  await using api = await anApi({ role: global })

  assert.equal((await api.get('/terraform/providers/registry.terraform.io/skerry/skerry/index.json', { token: null })).status, 404)
})
