import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { createServer, type Server } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { testCertificate } from '../../src/std/test-certificate.ts'
import { version } from '../../src/std/version.ts'
import { bundle } from '../../terraform/provider/package/bundle.ts'
import { executableName, providerPath, sourceBlock, thisPlatform } from '../../terraform/provider/package/layout.ts'
import { writeSingleExecutable } from '../../terraform/provider/package/single-executable.ts'
import { writeMirror, writeUnpacked } from '../../terraform/provider/package/write-package.ts'
import { aGlobal, type TestControlPlane } from './control-planes.ts'
import { skipWithoutTerraform, terraform, Workspace } from './terraform-command.ts'

const configuration = `${sourceBlock}
resource "skerry_timeout" "slow" {
  name = "slow"
  spec = {
    to = [{
      target_ref = { kind = "Mesh" }
      default    = { connection_timeout = "90s" }
    }]
  }
}
`

let script: Uint8Array
let packages: string
let controlPlane: TestControlPlane

before(async () => {
  if ('skip' in skipWithoutTerraform) return
  script = await bundle()
  packages = await mkdtemp(join(tmpdir(), 'skerry-packages-'))
  await writeUnpacked(join(packages, 'unpacked'), script, thisPlatform())
  controlPlane = await aGlobal({ terraformMirror: join(packages, 'mirror') })
  await writeMirror(join(packages, 'mirror'), script)
})

after(async () => {
  await controlPlane?.[Symbol.asyncDispose]()
  if (packages !== undefined) await rm(packages, { recursive: true, force: true })
})

/** A plan, an apply and an empty plan, by a provider that Terraform found, started and checked by itself. */
async function works(cliConfig: string, { init = [] as readonly string[], environment = {}, skipInit = false } = {}): Promise<Workspace> {
  const workspace = await Workspace.open({ ...controlPlane.environment, ...environment }, cliConfig)
  await workspace.write({ 'main.tf': configuration })
  if (!skipInit) await workspace.must(['init', ...init])
  await workspace.apply()
  await workspace.planNothing()
  await workspace.must(['destroy', '-auto-approve'])
  return workspace
}

const only = (method: string) => `provider_installation {\n${method}\n}\n`

test('from a directory of packages, unpacked', skipWithoutTerraform, async () => {
  await using _ = await works(only(`filesystem_mirror {\n path = "${join(packages, 'unpacked')}"\n}`))
})

test('from a directory of archives', skipWithoutTerraform, async () => {
  await using _ = await works(only(`filesystem_mirror {\n path = "${join(packages, 'mirror')}"\n}`))
})

test('from the directory that init is told', skipWithoutTerraform, async () => {
  await using _ = await works('', { init: [`-plugin-dir=${join(packages, 'unpacked')}`] })
})

test('from where a developer builds it, without init', skipWithoutTerraform, async () => {
  const directory = join(packages, 'unpacked', providerPath)
  const development = join(packages, 'development')
  await cp(join(directory, version, thisPlatform()), development, { recursive: true })
  await using _ = await works(only(`dev_overrides {\n "skerry/skerry" = "${development}"\n}\ndirect {}`), { skipInit: true })
})

test('from the plugin directory of the user, without any settings', skipWithoutTerraform, async () => {
  await using workspace = await Workspace.open(controlPlane.environment)
  await writeUnpacked(join(workspace.home, '.terraform.d', 'plugins'), script, thisPlatform())
  await workspace.write({ 'main.tf': configuration })

  await workspace.must(['init'])
  await workspace.apply()
  await workspace.must(['destroy', '-auto-approve'])
})

test('below a directory whose package.json says that scripts are modules', skipWithoutTerraform, async () => {
  const outer = join(packages, 'modules')
  await mkdir(outer)
  await writeFile(join(outer, 'package.json'), '{ "type": "module" }')
  await writeUnpacked(join(outer, 'plugins'), script, thisPlatform())

  await using _ = await works('', { init: [`-plugin-dir=${join(outer, 'plugins')}`] })
})

test("from the global control plane's network mirror, over HTTPS", skipWithoutTerraform, async () => {
  const { rootCaPem, server } = await testCertificate()
  const ca = join(packages, 'ca.pem')
  await writeFile(ca, rootCaPem)
  await using front = await httpsFront(controlPlane.endpoint, { cert: server.certPem, key: server.keyPem })
  const mirror = `network_mirror {\n url = "https://127.0.0.1:${front.port}/terraform/providers/"\n}`

  await using _ = await works(only(mirror), { environment: { SSL_CERT_FILE: ca } })
})

test('where temporary files have a long path, and where connections are not encrypted', skipWithoutTerraform, async () => {
  const long = join(packages, 'x'.repeat(100))
  await mkdir(long)
  const mirror = only(`filesystem_mirror {\n path = "${join(packages, 'unpacked')}"\n}`)

  await using _ = await works(mirror, { environment: { TMPDIR: long } })
  await using __ = await works(mirror, { environment: { TF_DISABLE_PLUGIN_TLS: '1' } })
})

test('as one file, on a machine without Node', { ...skipWithoutTerraform, timeout: 240_000 }, async () => {
  const directory = await writeUnpacked(join(packages, 'executable'), script, thisPlatform())
  await writeSingleExecutable(join(directory, executableName), script)
  const bin = join(packages, 'bin')
  await mkdir(bin)
  await symlink(terraform!, join(bin, 'terraform'))

  await using _ = await works('', { init: [`-plugin-dir=${join(packages, 'executable')}`], environment: { PATH: bin } })
})

/** What stands before a control plane and has its certificate. */
async function httpsFront(endpoint: string, certificate: { readonly cert: string; readonly key: string }) {
  const target = new URL(endpoint)
  const server: Server = createServer(certificate, (incoming, outgoing) => {
    const forwarded = httpRequest({ host: target.hostname, port: target.port, path: incoming.url, method: incoming.method }, answer => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
      answer.pipe(outgoing)
    })
    forwarded.on('error', () => outgoing.destroy())
    incoming.pipe(forwarded)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as { readonly port: number }).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
