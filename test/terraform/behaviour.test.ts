import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { aGlobal, aZone, type TestControlPlane } from './control-planes.ts'
import { aProviderTest } from './provider-test.ts'
import { skipWithoutTerraform, type Workspace } from './terraform-command.ts'

async function inWorkspace(
  controlPlane: TestControlPlane,
  configuration: string,
  act: (workspace: Workspace) => Promise<void>,
): Promise<void> {
  await using provider = await aProviderTest(controlPlane)
  await provider.workspace.write({ 'main.tf': configuration })
  await act(provider.workspace)
}

/** What Terraform prints in boxes, as one line. */
function flat(output: string): string {
  return output.replaceAll(/[\s│╷╵]+/g, ' ')
}

const timeout = (duration: string, labels = '') => `
resource "skerry_timeout" "slow" {
  name = "slow"
  ${labels}
  spec = {
    to = [{
      target_ref = { kind = "Mesh" }
      default    = { connection_timeout = "${duration}" }
    }]
  }
}
`

test('what is there already is not taken over in silence: the error says how to import it', skipWithoutTerraform, async () => {
  await using controlPlane = await aGlobal()
  await controlPlane.ask('PUT', '/meshes/default/meshtimeouts/slow', {
    type: 'MeshTimeout',
    mesh: 'default',
    name: 'slow',
    spec: { to: [{ targetRef: { kind: 'Mesh' }, default: { connectionTimeout: '1s' } }] },
  })

  await inWorkspace(controlPlane, timeout('2s'), async workspace => {
    const { exitCode, output } = await workspace.run('apply', '-auto-approve')
    assert.equal(exitCode, 1)
    assert.match(flat(output), /MeshTimeout "slow" of mesh "default" already exists/)
    assert.match(flat(output), /terraform import ADDRESS 'default\/slow'/)

    for (const id of ['default/slow', '{"mesh": "default", "name": "slow"}', 'kri_mt_default___slow_']) {
      await workspace.must(['import', 'skerry_timeout.slow', id])
      const { output: plan } = await workspace.must(['plan', '-detailed-exitcode'], [2])
      assert.match(flat(plan), /connection_timeout = "1s" -> "2s"/, id)
      await workspace.must(['state', 'rm', 'skerry_timeout.slow'])
    }
  })
})

test(
  'what is wrong with a configuration is said by validate, in the words of the API and at the attribute',
  skipWithoutTerraform,
  async () => {
    await using controlPlane = await aGlobal()
    const { body } = await controlPlane.ask('PUT', '/meshes/default/meshtimeouts/slow', {
      type: 'MeshTimeout',
      mesh: 'default',
      name: 'slow',
      spec: { to: [{ targetRef: { kind: 'Mesh' }, default: { connectionTimeout: 'soon' } }] },
    })
    const [{ field, reason }] = body.invalid_parameters

    await inWorkspace(controlPlane, timeout('soon'), async workspace => {
      const { output } = await workspace.must(['validate', '-json'], [1])
      const [diagnostic] = JSON.parse(output).diagnostics
      assert.equal(diagnostic.detail, `${field}: ${reason}`)
      assert.match(diagnostic.snippet.code, /connection_timeout = "soon"/)
    })
  },
)

test('values that are not known yet are not blamed, and the others still are', skipWithoutTerraform, async () => {
  await using controlPlane = await aGlobal()
  const configuration = `
resource "terraform_data" "later" {
  input = "5s"
}
resource "skerry_timeout" "slow" {
  name = "slow"
  spec = {
    to = [{
      target_ref = { kind = "Mesh" }
      default    = { connection_timeout = terraform_data.later.output, idle_timeout = "IDLE" }
    }]
  }
}
`
  await inWorkspace(controlPlane, configuration.replace('IDLE', 'never'), async workspace => {
    const { output } = await workspace.must(['plan'], [1])
    assert.match(flat(output), /spec\.to\[0\]\.default\.idleTimeout: /)
    assert.doesNotMatch(flat(output), /connectionTimeout/)

    await workspace.write({ 'main.tf': configuration.replace('IDLE', '1m') })
    await workspace.apply()
    await workspace.planNothing()
  })
})

test('what the control plane refuses says so in the plan', skipWithoutTerraform, async () => {
  await using controlPlane = await aGlobal()
  const refused = [
    [timeout('2s', 'labels = { "kuma.io/origin" = "zone" }'), /kuma\.io\/origin label should have global value/],
    ['resource "skerry_service" "backend" {\n  name = "backend"\n}', /belongs to the zone that it is in/],
  ] as const

  for (const [configuration, expected] of refused) {
    await inWorkspace(controlPlane, configuration, async workspace => {
      assert.match(flat((await workspace.must(['plan'], [1])).output), expected)
    })
  }
})

test('a role and the binding that gives it come in one plan, and a role that there is not is warned of', skipWithoutTerraform, async () => {
  await using controlPlane = await aGlobal()
  const binding = (role: string) => `
resource "skerry_access_role" "pay" {
  name  = "pay"
  rules = [{ access = ["READ"], types = ["MeshTimeout"] }]
}
resource "skerry_access_role_binding" "pay" {
  name       = "pay"
  subjects   = [{ type = "Group", name = "pay" }]
  roles      = ["${role}"]
  depends_on = [skerry_access_role.pay]
}
`
  await inWorkspace(controlPlane, binding('nobody-wrote-it'), async workspace => {
    assert.match(flat((await workspace.must(['plan'])).output), /Warning: .* there is no AccessRole nobody-wrote-it/)
    await workspace.write({ 'main.tf': binding('pay') })
    await workspace.apply()
    await workspace.planNothing()
  })
})

test('a mesh and what is in it come in one plan', skipWithoutTerraform, async () => {
  await using controlPlane = await aGlobal()
  const configuration = `
resource "skerry_mesh" "shop" {
  name = "shop"
}
${timeout('2s').replace('name = "slow"', 'name = "slow"\n  mesh = skerry_mesh.shop.name')}
`
  await inWorkspace(controlPlane, configuration, async workspace => {
    await workspace.apply()
    await workspace.planNothing()
    await workspace.must(['destroy', '-auto-approve'])
  })
})

test(
  'another spelling of a duration is no difference, another duration is, and a change behind its back is put right',
  skipWithoutTerraform,
  async () => {
    await using controlPlane = await aGlobal()
    await inWorkspace(controlPlane, timeout('90s'), async workspace => {
      await workspace.apply()
      await workspace.planNothing()
      await workspace.write({ 'main.tf': timeout('1m30s') })
      await workspace.planNothing()

      const path = '/meshes/default/meshtimeouts/slow'
      const { body } = await controlPlane.ask('GET', path)
      body.spec.to[0].default.idleTimeout = '7s'
      assert.equal((await controlPlane.ask('PUT', path, body)).status, 200)
      const { output } = await workspace.must(['plan', '-detailed-exitcode'], [2])
      assert.match(flat(output), /idle_timeout += "7s" -> null/)
      await workspace.apply()

      assert.equal((await controlPlane.ask('GET', path)).body.spec.to[0].default.idleTimeout, undefined)
    })
  },
)

test('what somebody changes between plan and apply is not overwritten', skipWithoutTerraform, async () => {
  await using controlPlane = await aGlobal()
  await inWorkspace(controlPlane, timeout('1s'), async workspace => {
    await workspace.apply()
    await workspace.write({ 'main.tf': timeout('2s') })
    await workspace.must(['plan', '-out=saved'])
    const path = '/meshes/default/meshtimeouts/slow'
    const { body } = await controlPlane.ask('GET', path)
    body.spec.to[0].default.connectionTimeout = '3s'
    await controlPlane.ask('PUT', path, body)

    const { output } = await workspace.must(['apply', 'saved'], [1])

    assert.match(flat(output), /Somebody else changed MeshTimeout "slow" of mesh "default"/)
    assert.equal((await controlPlane.ask('GET', path)).body.spec.to[0].default.connectionTimeout, '3s')
  })
})

test('a provider whose control plane is known only after apply plans without it', skipWithoutTerraform, async () => {
  await using controlPlane = await aGlobal()
  const configuration = `
resource "terraform_data" "control_plane" {
  input = "${controlPlane.endpoint}"
}
provider "skerry" {
  endpoint = terraform_data.control_plane.output
}
${timeout('1s')}
`
  await inWorkspace(controlPlane, configuration, async workspace => {
    await workspace.apply()
    assert.equal((await controlPlane.ask('GET', '/meshes/default/meshtimeouts/slow')).status, 200)
    await workspace.planNothing()
  })
})

test('neither a secret nor a token is in the plan or the state, and both arrive', skipWithoutTerraform, async () => {
  await using controlPlane = await aGlobal()
  const configuration = `
resource "skerry_zone" "aws" {
  name = "aws-7"
}
ephemeral "skerry_zone_token" "aws" {
  zone      = skerry_zone.aws.id
  valid_for = "1h"
}
ephemeral "skerry_user_token" "ci" {
  name      = "ci"
  groups    = ["mesh-system:admin"]
  valid_for = "5m"
}
resource "skerry_secret" "token" {
  name             = "zone-token"
  value_wo         = "\${ephemeral.skerry_zone_token.aws.token} \${ephemeral.skerry_user_token.ci.token}"
  value_wo_version = 1
}
resource "skerry_secret" "other" {
  name             = "other"
  value_wo         = "do-not-show-me"
  value_wo_version = VERSION
}
`
  await inWorkspace(controlPlane, configuration.replace('VERSION', '1'), async workspace => {
    await workspace.must(['plan', '-out=saved'])
    await workspace.must(['apply', 'saved'])
    await workspace.planNothing()
    const kept = [
      await readFile(join(workspace.directory, 'terraform.tfstate'), 'utf8'),
      withoutConfiguration((await workspace.must(['show', '-json', 'saved'])).output),
    ]
    for (const text of kept) {
      assert.doesNotMatch(text, /do-not-show-me|eyJ/)
      assert.match(text, /zone-token/)
    }
    const data = (await controlPlane.ask('GET', '/meshes/default/secrets/other')).body.data
    assert.equal(Buffer.from(data, 'base64').toString(), 'do-not-show-me')

    await workspace.write({
      'main.tf': configuration.replace('VERSION', '2').replace('do-not-show-me', 'changed'),
    })
    await workspace.apply()
    const changed = (await controlPlane.ask('GET', '/meshes/default/secrets/other')).body.data
    assert.equal(Buffer.from(changed, 'base64').toString(), 'changed')
  })
})

test('any kind can be written as it is in YAML', skipWithoutTerraform, async () => {
  await using controlPlane = await aGlobal()
  const configuration = (requests: string) => `
resource "skerry_resource" "limit" {
  kind = "MeshRateLimit"
  mesh = "default"
  name = "limit"
  spec = {
    targetRef = { kind = "Mesh" }
    rules     = [{ default = { local = { http = { requestRate = { num = ${requests}, interval = "90s" } } } } }]
  }
}
resource "skerry_resource" "zone" {
  kind = "Zone"
  name = "gcp-3"
  spec = { enabled = false }
}
`
  await inWorkspace(controlPlane, configuration('5'), async workspace => {
    await workspace.apply()
    await workspace.planNothing()
    await workspace.write({ 'main.tf': configuration('6') })
    await workspace.apply()
    await workspace.planNothing()
    await workspace.must(['state', 'rm', 'skerry_resource.limit', 'skerry_resource.zone'])
    await workspace.must(['import', 'skerry_resource.limit', 'MeshRateLimit/default/limit'])
    await workspace.must(['import', 'skerry_resource.zone', 'Zone/gcp-3'])
    await workspace.planNothing()
    await workspace.must(['destroy', '-auto-approve'])
    assert.equal((await controlPlane.ask('GET', '/zones/gcp-3')).status, 404)
  })
})

test('a workload of Terraform is an instance of its service, and a mesh that has one is not destroyed', skipWithoutTerraform, async () => {
  await using controlPlane = await aZone()
  const configuration = `
resource "skerry_workload" "vm" {
  name     = "payments-vm-1"
  workload = "payments"
  address  = "10.1.2.3"
  ports    = [{ port = 8080, name = "http", protocol = "http" }]
  cloud    = "gcp"
  region   = "europe-west4"
  labels   = { team = "TEAM" }
}
resource "skerry_workload" "function" {
  name     = "receipts"
  workload = "receipts"
  lambda = {
    arn     = "arn:aws:lambda:eu-central-1:123456789012:function:receipts"
    region  = "eu-central-1"
    payload = "http-2.0"
  }
}
`
  await inWorkspace(controlPlane, configuration, async workspace => {
    await workspace.apply()
    await workspace.planNothing()
    const { body: vm } = await controlPlane.ask('GET', '/meshes/default/dataplanes/payments-vm-1')
    assert.equal(vm.networking.address, '10.1.2.3')
    assert.deepEqual(
      [
        vm.labels['skerry.io/proxy'],
        vm.labels['kuma.io/managed-by'],
        vm.labels['kuma.io/workload'],
        vm.labels['skerry.io/cloud'],
        vm.labels.team,
      ],
      ['none', 'terraform', 'payments', 'gcp', 'TEAM'],
    )
    const service = await until(
      async () => (await controlPlane.ask('GET', '/meshes/default/meshservices/payments')).body,
      body => body.spec !== undefined,
    )
    assert.equal(service.spec.ports[0].port, 8080)

    await workspace.write({ 'main.tf': configuration.replace('TEAM', 'pay').replace('8080', '8081') })
    await workspace.apply()
    await workspace.planNothing()
    await workspace.must(['state', 'rm', 'skerry_workload.vm', 'skerry_workload.function'])
    await workspace.must(['import', 'skerry_workload.vm', 'default/payments-vm-1'])
    await workspace.must(['import', 'skerry_workload.function', 'default/receipts'])
    await workspace.planNothing()

    await workspace.write({ 'mesh.tf': 'resource "skerry_mesh" "default" {\n  name = "default"\n}\n' })
    await workspace.must(['import', 'skerry_mesh.default', 'default'])
    const { output } = await workspace.must(['destroy', '-auto-approve', '-target=skerry_mesh.default'], [1])
    assert.match(flat(output), /there are still some dataplanes attached/)
    await workspace.must(['destroy', '-auto-approve', '-target=skerry_workload.vm', '-target=skerry_workload.function'])
    assert.equal((await controlPlane.ask('GET', '/meshes/default/dataplanes/payments-vm-1')).status, 404)
  })
})

test('data sources show zones, services, workloads, policies in force and trust', skipWithoutTerraform, async () => {
  await using controlPlane = await aZone()
  const configuration = `
resource "skerry_workload" "vm" {
  name     = "payments-vm-1"
  workload = "payments"
  address  = "10.1.2.3"
  ports    = [{ port = 8080, name = "http", protocol = "http" }]
}
data "skerry_control_plane" "here" {}
data "skerry_meshes" "all" {}
data "skerry_mesh" "default" {
  name = "default"
}
data "skerry_zones" "all" {}
data "skerry_services" "all" {
  mesh       = "default"
  depends_on = [skerry_workload.vm]
}
data "skerry_workloads" "all" {
  depends_on = [skerry_workload.vm]
}
data "skerry_trust_bundle" "roots" {}
data "skerry_effective_policies" "vm" {
  dataplane = skerry_workload.vm.name
}
output "seen" {
  value = {
    mode      = data.skerry_control_plane.here.mode
    zone      = data.skerry_control_plane.here.zone
    meshes    = data.skerry_meshes.all.meshes[*].name
    policies  = data.skerry_mesh.default.policies
    workloads = data.skerry_workloads.all.workloads[*].name
    services  = data.skerry_services.all.services[*].mesh
    kinds     = data.skerry_effective_policies.vm.policies[*].kind
    domains   = data.skerry_trust_bundle.roots.trust_domains[*].name
    pem       = data.skerry_trust_bundle.roots.pem
    id        = provider::skerry::spiffe_id("default", "aws-1", "payments")
    import_id = provider::skerry::import_id("default", "slow")
    user_data = provider::skerry::vm_user_data({ control_plane = "zone.example.com:5678", service = "payments", ports = ["8080/http"], token_command = "cat /token" })
  }
}
`
  await inWorkspace(controlPlane, configuration, async workspace => {
    await workspace.apply()
    await until(
      async () => (await controlPlane.ask('GET', '/meshes/default/meshtrusts')).body,
      body => body.total > 0,
    )
    await workspace.apply()
    const seen = JSON.parse((await workspace.must(['output', '-json', 'seen'])).output)
    assert.equal(seen.mode, 'zone')
    assert.equal(seen.zone, 'aws-1')
    assert.deepEqual(seen.meshes, ['default'])
    assert.deepEqual(seen.workloads, ['payments'])
    assert.deepEqual(seen.services, ['default'])
    assert(seen.policies > 0)
    assert(Array.isArray(seen.kinds))
    assert.deepEqual(seen.domains, ['default.aws-1.mesh.local'])
    assert.match(seen.pem, /^-----BEGIN CERTIFICATE-----/)
    assert.equal(seen.id, 'spiffe://default.aws-1.mesh.local/workload/payments')
    assert.equal(seen.import_id, 'default/slow')
    assert.match(seen.user_data, /^#cloud-config\n/)
    await workspace.must(['destroy', '-auto-approve'])
  })
})

test('a token that is wrong and a control plane that is not there say so', skipWithoutTerraform, async () => {
  await using controlPlane = await aGlobal()
  const zones = 'data "skerry_zones" "all" {}\n'
  await inWorkspace(controlPlane, `provider "skerry" {\n  token = "nonsense"\n}\n${zones}`, async workspace => {
    assert.match(flat((await workspace.must(['plan'], [1])).output), /Use a token|Set token|token/)
  })
  await inWorkspace(controlPlane, `provider "skerry" {\n  endpoint = "http://127.0.0.1:9"\n}\n${zones}`, async workspace => {
    assert.match(flat((await workspace.must(['plan'], [1])).output), /Cannot reach the control plane .*nothing listens there/)
  })
})

/** A plan shows the configuration that it was made of, too. */
function withoutConfiguration(plan: string): string {
  return JSON.stringify({ ...JSON.parse(plan), configuration: undefined })
}

/** Asks until the answer is as wanted. */
async function until<T>(ask: () => Promise<T>, isThere: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (isThere(answer)) return answer
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
