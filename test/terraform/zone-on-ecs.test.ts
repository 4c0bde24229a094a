import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { freePorts } from '../../dev/layout.ts'
import { skerry, until } from '../../dev/parts.ts'
import { skerryHandlers } from '../../terraform/provider/skerry-provider.ts'
import { copyConfigurations } from '../../terraform/testing/harness/configurations.ts'
import { servePlugins } from '../../terraform/testing/harness/plugins.ts'
import type { StateResource } from './everything.ts'
import { startMeshOfZones } from './mesh-of-zones.ts'
import { skipWithoutTerraform, Workspace } from './terraform-command.ts'

interface Container {
  readonly name: string
  readonly entryPoint: readonly string[]
  readonly command: readonly string[]
  readonly environment?: readonly { readonly name: string; readonly value: string }[]
  readonly healthCheck?: { readonly command: readonly string[] }
}

test('the containers of a zone on ECS, run as they are, join global and open the zone to others', skipWithoutTerraform, async t => {
  await using opened = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'skerry-on-ecs-'))
  opened.defer(() => rm(directory, { recursive: true, force: true }))
  const mesh = opened.use(await startMeshOfZones([]))
  const { containers, token } = await applied(mesh)

  const ports = await freePorts(['api', 'xds', 'ingress', 'admin'] as const)
  await Promise.all(['bin', 'data', 'token', 'tmp'].map(folder => mkdir(join(directory, folder))))
  await writeFile(join(directory, 'bin/skerry'), `#!/bin/sh\nexec '${process.execPath}' '${skerry}' "$@"\n`)
  await chmod(join(directory, 'bin/skerry'), 0o755)
  /** Here the tasks have neither a file system nor addresses of their own. */
  const here = (text: string) =>
    text
      .replaceAll(/(^|[\s>])\/(data|token|tmp)\b/g, `$1${directory}/$2`)
      .replaceAll(/:(5681|5678|9901)\b/g, (_, port: string) => `:${{ '5681': ports.api, '5678': ports.xds, '9901': ports.admin }[port]}`)
      .replaceAll(/\b10001\b/g, String(ports.ingress))
  const environment = {
    ...{ PATH: `${join(directory, 'bin')}:${process.env.PATH}`, HOME: directory, ZONE_TOKEN: token },
    ...{ SKERRY_CP: `127.0.0.1:${ports.xds}`, SKERRY_ADDRESS: '127.0.0.1' },
  }
  const start = ({ entryPoint, command }: Container): ChildProcess => {
    const [program = '', ...args] = [...entryPoint, ...command].map(here)
    const child = spawn(program, args, { cwd: directory, env: environment, stdio: 'ignore', detached: true })
    opened.defer(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      // A shell and what it waits for.
      process.kill(-child.pid!, 'SIGKILL')
      await ended
    })
    return child
  }
  const isHealthy = async ({ healthCheck }: Container) => {
    const [, program = '', ...args] = healthCheck!.command.map(here)
    return promisify(execFile)(program, args, { env: environment }).then(
      () => true,
      () => false,
    )
  }

  start(containers['control-plane']!)
  await until(() => isHealthy(containers['control-plane']!), 60_000)
  start(containers['gateway-token']!)
  start(containers['zone-gateway']!)
  await until(() => isHealthy(containers['zone-gateway']!), 90_000)

  await until(async () => (await addresses(mesh.ask)).length > 0, 30_000)
  assert.deepEqual(await addresses(mesh.ask), [{ address: '127.0.0.1', port: ports.ingress }])
  t.diagnostic(`control plane on ${ports.xds}, gateway on ${ports.ingress}`)
})

async function applied(mesh: Awaited<ReturnType<typeof startMeshOfZones>>) {
  let token = ''
  await using plugins = await servePlugins({ 'registry.terraform.io/skerry/skerry': skerryHandlers(mesh.environment) }, (_, __, value) => {
    token = String(value)
  })
  await using workspace = await Workspace.open(plugins.environment)
  await copyConfigurations(workspace.directory)
  const module = workspace.within('modules/aws-ecs-zone')
  const variables = {
    zone_name: 'ecs',
    global_address: mesh.syncAddress,
    image: 'registry.example/skerry:0.1.0',
    vpc_id: 'vpc-1',
    subnet_ids: ['subnet-a'],
    workload_cidr_blocks: ['10.0.0.0/16'],
  }
  await module.write({ 'terraform.tfvars.json': JSON.stringify(variables) })
  await module.must(['init', '-input=false'])
  await module.apply()
  const { values } = JSON.parse((await module.must(['show', '-json'])).output) as {
    values: { root_module: { resources: StateResource[] } }
  }
  const definitions = values.root_module.resources.filter(({ type }) => type === 'aws_ecs_task_definition')
  const containers = definitions.flatMap(({ values }) => JSON.parse(values.container_definitions) as Container[])
  return { token, containers: Object.fromEntries(containers.map(container => [container.name, container])) }
}

async function addresses(ask: Awaited<ReturnType<typeof startMeshOfZones>>['ask']): Promise<readonly unknown[]> {
  const { body } = await ask('/meshzoneaddresses')
  return (body as { readonly items: readonly { readonly spec: unknown }[] }).items.map(({ spec }) => spec)
}
