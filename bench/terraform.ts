import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundle } from '../terraform/provider/package/bundle.ts'
import { sourceBlock, thisPlatform } from '../terraform/provider/package/layout.ts'
import { writeUnpacked } from '../terraform/provider/package/write-package.ts'
import { aGlobal } from '../test/terraform/control-planes.ts'
import { terraform, Workspace } from '../test/terraform/terraform-command.ts'
import type { Figure } from './figure.ts'

export const about = 'how long Terraform takes with the provider: plans and applies of few and of many resources'

const rounds = 5
const many = 500

/** An installed provider, started by Terraform for every step as a user has it; the control plane is in this process. */
export async function run(): Promise<readonly Figure[]> {
  if (terraform === undefined) throw new Error('no terraform on PATH: install Terraform 1.11 or later')
  await using opened = new AsyncDisposableStack()
  const controlPlane = opened.use(await aGlobal())
  const plugins = await mkdtemp(join(tmpdir(), 'skerry-bench-terraform-'))
  opened.defer(() => rm(plugins, { recursive: true, force: true }))
  await writeUnpacked(plugins, await bundle(), thisPlatform())
  const workspace = opened.use(await Workspace.open(controlPlane.environment))

  await workspace.write({ 'versions.tf': sourceBlock, 'main.tf': strategies(4) })
  await workspace.must(['init', `-plugin-dir=${plugins}`])
  const planOfFew = await median(() => workspace.must(['plan', '-detailed-exitcode'], [2]))
  await workspace.apply()
  const emptyPlanOfFew = await median(() => workspace.planNothing())
  await workspace.write({ 'main.tf': strategies(many) })
  const applyOfMany = await timeOf(() => workspace.apply())
  const planOfMany = await median(() => workspace.planNothing())
  return [
    { name: 'plan, 4 new resources', value: planOfFew, unit: 'ms', goal: 1200 },
    { name: 'plan without changes, 4 resources', value: emptyPlanOfFew, unit: 'ms', goal: 1200 },
    { name: `apply, ${many - 4} of ${many} resources are new`, value: applyOfMany, unit: 'ms', goal: 10_000 },
    { name: `plan without changes, ${many} resources`, value: planOfMany, unit: 'ms', goal: 4000 },
  ]
}

function strategies(count: number): string {
  return `resource "skerry_load_balancing_strategy" "service" {
  count = ${count}
  name  = "service-\${count.index}"
  spec = {
    to = [{
      target_ref = { kind = "MeshMultiZoneService", labels = { "kuma.io/display-name" = "service-\${count.index}" } }
      default = {
        locality_awareness = {
          cross_zone = { failover = [{ to = { type = "Only", zones = ["aws-1", "gcp-1"] } }, { to = { type = "Any" } }] }
        }
        load_balancer = { type = "LeastRequest", least_request = { choice_count = 4 } }
      }
    }]
  }
}
`
}

async function timeOf(act: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await act()
  return performance.now() - start
}

/** Warm: the first run is not counted. */
async function median(act: () => Promise<unknown>): Promise<number> {
  await act()
  const times: number[] = []
  for (let round = 0; round < rounds; round++) times.push(await timeOf(act))
  return times.sort((a, b) => a - b)[Math.floor(rounds / 2)]!
}
