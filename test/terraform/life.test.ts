import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, request as httpRequest, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { bundle } from '../../terraform/provider/package/bundle.ts'
import { executableName, sourceBlock, thisPlatform } from '../../terraform/provider/package/layout.ts'
import { writeUnpacked } from '../../terraform/provider/package/write-package.ts'
import { aGlobal } from './control-planes.ts'
import { skipWithoutTerraform, terraform, Workspace } from './terraform-command.ts'

const skip = process.platform === 'linux' ? skipWithoutTerraform : { skip: 'processes are looked for in /proc' }
let plugins: string

before(async () => {
  if ('skip' in skip) return
  plugins = await mkdtemp(join(tmpdir(), 'skerry-life-'))
  await writeUnpacked(plugins, await bundle(), thisPlatform())
})

after(async () => {
  if (plugins !== undefined) await rm(plugins, { recursive: true, force: true })
})

const configuration = `${sourceBlock}
resource "skerry_zone" "first" {
  name = "first"
}
resource "skerry_zone" "second" {
  name       = "second"
  depends_on = [skerry_zone.first]
}
`

/** A control plane that never answers a write. */
async function aSlowControlPlane(endpoint: string) {
  const target = new URL(endpoint)
  let arrived: () => void = () => {}
  const firstWrite = new Promise<void>(resolve => {
    arrived = resolve
  })
  const server = createServer((incoming, outgoing: ServerResponse) => {
    const forward = () => {
      const { host: _, ...headers } = incoming.headers
      const forwarded = httpRequest(
        { host: target.hostname, port: target.port, path: incoming.url, method: incoming.method, headers },
        answer => {
          outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
          answer.pipe(outgoing)
        },
      )
      forwarded.on('error', () => outgoing.destroy())
      incoming.pipe(forwarded)
    }
    if (incoming.method !== 'PUT' || incoming.url?.includes('dryRun')) forward()
    else arrived()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as { readonly port: number }).port}`,
    firstWrite,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** A plan's apply that hangs in its first write. */
async function anApply(workspace: Workspace) {
  // A group of its own, as at a terminal: Ctrl-C goes to all of it.
  const child = spawn(terraform!, ['apply', '-no-color', '-auto-approve'], {
    cwd: workspace.directory,
    env: workspace.environment,
    detached: true,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()))
  const ended = new Promise<number | null>(resolve => child.once('close', code => resolve(code)))
  return { child, ended, output: () => output }
}

test('Ctrl-C lets go of what hangs, and what was not made is not in the state', { ...skip, timeout: 120_000 }, async () => {
  await using controlPlane = await aGlobal()
  await using slow = await aSlowControlPlane(controlPlane.endpoint)
  await using workspace = await Workspace.open({ ...controlPlane.environment, SKERRY_ENDPOINT: slow.endpoint })
  await workspace.write({ 'main.tf': configuration })
  await workspace.must(['init', `-plugin-dir=${plugins}`])

  const apply = await anApply(workspace)
  await slow.firstWrite
  process.kill(-apply.child.pid!, 'SIGINT')

  assert.equal(await apply.ended, 1)
  assert.match(apply.output(), /Stopped/)
  const state = JSON.parse(await readFile(join(workspace.directory, 'terraform.tfstate'), 'utf8').catch(() => '{"resources": []}'))
  assert.deepEqual(state.resources, [])
  assert.deepEqual(await providersOf(workspace), [])
})

test('a provider does not outlive a Terraform that was killed', { ...skip, timeout: 120_000 }, async () => {
  await using controlPlane = await aGlobal()
  await using slow = await aSlowControlPlane(controlPlane.endpoint)
  await using workspace = await Workspace.open({ ...controlPlane.environment, SKERRY_ENDPOINT: slow.endpoint })
  await workspace.write({ 'main.tf': configuration })
  await workspace.must(['init', `-plugin-dir=${plugins}`])

  const apply = await anApply(workspace)
  await slow.firstWrite
  assert.notDeepEqual(await providersOf(workspace), [])
  apply.child.kill('SIGKILL')
  await apply.ended.catch(() => {})

  while ((await providersOf(workspace)).length > 0) await new Promise(resolve => setTimeout(resolve, 50))
})

/** Processes of the provider that a workspace's commands have started. */
async function providersOf(workspace: Workspace): Promise<readonly string[]> {
  const found: string[] = []
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
    if (line.includes(executableName) && environment.includes(workspace.directory)) found.push(pid)
  }
  return found
}
