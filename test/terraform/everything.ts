import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { skerryHandlers } from '../../terraform/provider/skerry-provider.ts'
import { copyConfigurations } from '../../terraform/testing/harness/configurations.ts'
import { servePlugins } from '../../terraform/testing/harness/plugins.ts'
import { startMeshOfZones } from './mesh-of-zones.ts'
import { Workspace } from './terraform-command.ts'
import { unzip } from './unzip.ts'

/** A resource as the state has it. */
export interface StateResource {
  /** `module.ecs_zone.aws_lb.xds[0]`. */
  readonly address: string
  readonly type: string
  // biome-ignore lint/suspicious/noExplicitAny: resources of many providers.
  readonly values: any
}

/** The configuration `everything`, applied on stubs and a running mesh, and destroyed again. */
export interface Everything {
  readonly resources: readonly StateResource[]
  readonly outputs: Readonly<Record<string, unknown>>
  /** The state file, and the files in the saved plan. */
  readonly kept: readonly { readonly name: string; readonly text: string }[]
  /** What was given to write-only attributes: what the clouds' secret stores got. */
  readonly secrets: readonly { readonly type: string; readonly attribute: string; readonly value: unknown }[]
}

export const adminToken = 'an-admin-token-of-a-test-that-is-long-enough'

export async function applyEverything(): Promise<Everything> {
  await using mesh = await startMeshOfZones(['aws-1', 'azure-1', 'gcp-1'])
  const secrets: Everything['secrets'][number][] = []
  await using plugins = await servePlugins(
    { 'registry.terraform.io/skerry/skerry': skerryHandlers(mesh.environment) },
    (type, attribute, value) => secrets.push({ type, attribute, value }),
  )
  await using workspace = await Workspace.open({ ...plugins.environment, TF_VAR_admin_token: adminToken })
  await copyConfigurations(workspace.directory)
  await cp(join(import.meta.dirname, 'everything'), join(workspace.directory, 'everything'), { recursive: true })
  const root = workspace.within('everything')

  await root.must(['init', '-input=false'])
  await root.must(['plan', '-input=false', '-out=everything.plan'])
  const plan = unzip(await readFile(join(root.directory, 'everything.plan')))
  await root.must(['apply', '-input=false', 'everything.plan'])
  await root.planNothing()
  const state = await readFile(join(root.directory, 'terraform.tfstate'), 'utf8')
  const shown = JSON.parse((await root.must(['show', '-json'])).output) as Shown
  await root.must(['destroy', '-auto-approve', '-input=false'])

  return {
    resources: resourcesIn(shown.values.root_module),
    outputs: Object.fromEntries(Object.entries(shown.values.outputs).map(([name, { value }]) => [name, value])),
    kept: [{ name: 'terraform.tfstate', text: state }, ...plan],
    secrets,
  }
}

interface Shown {
  readonly values: { readonly root_module: Module; readonly outputs: Readonly<Record<string, { readonly value: unknown }>> }
}

interface Module {
  readonly resources?: readonly StateResource[]
  readonly child_modules?: readonly Module[]
}

function resourcesIn({ resources = [], child_modules = [] }: Module): StateResource[] {
  return [...resources, ...child_modules.flatMap(resourcesIn)]
}

/** User data of every machine, by the address of what has it. */
export function userDataOf({ resources, outputs }: Everything): ReadonlyMap<string, UserData> {
  const texts = resources.flatMap(({ address, type, values }): [string, string][] => {
    if (type === 'aws_instance') return [[address, values.user_data]]
    if (type === 'aws_launch_template') return [[address, decoded(values.user_data)]]
    if (type === 'azurerm_linux_virtual_machine_scale_set') return [[address, decoded(values.custom_data)]]
    if (type === 'google_compute_instance_template') return [[address, values.metadata['user-data']]]
    return []
  })
  return new Map(
    [...texts, ['output.global_user_data', String(outputs.global_user_data)] as const].map(([name, text]) => [
      name,
      parse(text) as UserData,
    ]),
  )
}

export interface UserData {
  readonly write_files: readonly { readonly path: string; readonly permissions: string; readonly content: string }[]
  readonly runcmd: readonly string[]
}

function decoded(base64: string): string {
  return Buffer.from(base64, 'base64').toString()
}
