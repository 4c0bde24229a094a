import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { promisify } from 'node:util'
import { Compile } from 'typebox/schema'
import { parse } from 'yaml'
import { awsActions } from '../../src/adapters/aws/actions.ts'
import { azureActions } from '../../src/adapters/azure/actions.ts'
import { gcpPermissions } from '../../src/adapters/gcp/permissions.ts'
import { options as globalOptions } from '../../src/global-cp/config.ts'
import { options as proxyOptions, readProxyConfig } from '../../src/proxy/config.ts'
import type { OptionSpec } from '../../src/std/options.ts'
import { resolveOptions } from '../../src/std/options.ts'
import { options as zoneOptions } from '../../src/zone-cp/config.ts'
import { AwsEmulator } from '../interop/aws-emulators.ts'
import { AwsReplay } from './aws-replay.ts'
import { type CommandLine, commandLinesOf } from './command-lines.ts'
import { adminToken, applyEverything, type Everything, userDataOf } from './everything.ts'
import { skipWithoutTerraform } from './terraform-command.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')

let everything: Everything

before(async () => {
  if (!skipWithoutTerraform.skip) everything = await applyEverything()
})

test('tokens reach the secret stores, and stand in neither state nor plan', skipWithoutTerraform, () => {
  const texts = everything.secrets.map(({ value }) => (typeof value === 'string' ? value : (value as { token: string }).token))

  const stores = new Set(everything.secrets.map(({ type }) => type))
  assert.deepEqual([...stores].sort(), [
    ...['aws_secretsmanager_secret_version', 'azurerm_key_vault_secret', 'google_secret_manager_secret_version', 'kubernetes_secret_v1'],
  ])
  assert.equal(texts.filter(text => text === adminToken).length, 3)
  const tokens = texts.filter(text => text !== adminToken)
  assert.equal(tokens.length, 9, 'five zones, four workloads')
  for (const token of tokens) assert.match(token, /^eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+$/)
  for (const { name, text } of everything.kept) {
    assert.ok(!text.includes(adminToken), `${name} has the admin's token`)
    assert.doesNotMatch(text, /eyJ[\w-]{10,}\.eyJ/, `${name} has a token`)
    for (const token of tokens) assert.ok(!text.includes(token.split('.')[2]!), `${name} has the signature of a token`)
  }
  assert.ok(everything.kept.some(({ name }) => name === 'tfplan'))
})

test('every program is started with options that it has', skipWithoutTerraform, async () => {
  const lines = commandLinesOf(everything)

  const programs = new Map<string, CommandLine[]>()
  for (const line of lines) {
    const name = line.words.slice(0, 2).join(' ')
    programs.set(name, [...(programs.get(name) ?? []), line])
  }
  assert.deepEqual([...programs.keys()].sort(), ['global run', 'proxy run', 'token dataplane', 'zone run'])
  for (const line of programs.get('zone run')!) resolve(zoneOptions, line)
  for (const line of programs.get('global run')!) resolve(globalOptions, line)
  for (const line of programs.get('proxy run')!) {
    const read = readProxyConfig(resolve(proxyOptions, line) as Parameters<typeof readProxyConfig>[0])
    assert.equal(read.kind, 'ok', `${line.where}: ${JSON.stringify(read)}`)
  }
  const help = (await run(process.execPath, [join(root, 'bin/skerry.js'), 'token', 'dataplane', '--help'])).stdout
  for (const { where, words } of programs.get('token dataplane')!)
    for (const flag of words.filter(word => word.startsWith('--'))) assert.match(help, new RegExp(`${flag}\\b`), where)
})

function resolve<const Specs extends readonly OptionSpec[]>(specs: Specs, { where, words, environment }: CommandLine) {
  // Whether this machine has an address of its own is not the question.
  const argv = words.slice(2).map(word => word.replace(/^(auto$|\$\(hostname -i.*\)(?=:))/, '10.0.0.7'))
  const resolved = resolveOptions(specs, { argv, env: environment })
  assert.equal(resolved.kind, 'ok', `${where}: ${JSON.stringify(resolved)}`)
  return (resolved as unknown as { readonly values: unknown }).values
}

test('what a zone may ask of AWS is what its adapters call, in both directions', skipWithoutTerraform, () => {
  const { ECS, EC2, EKS, Lambda, CloudMap } = awsActions
  const expected = Object.fromEntries(
    Object.entries({ ECS, EC2, EKS, Lambda, CloudMap }).map(([source, actions]) => [source, [...new Set(actions)].sort()]),
  )

  assert.deepEqual(everything.outputs.actions, expected)

  const all = [...new Set(Object.values(expected).flat())].sort()
  const discovering = statements().filter(({ Sid }) => Sid === 'Discover')
  assert.equal(discovering.length, 3)
  for (const { Action } of discovering) assert.deepEqual([Action].flat(), all)
})

test('beside discovery, a machine may do what its own work needs, with what is its own', skipWithoutTerraform, () => {
  /** By statement: what is done, and by what. */
  const ownWork: Readonly<Record<string, readonly string[]>> = {
    Events: awsActions.events,
    // ECS, which puts them into the containers, and cloud-init's fetching.
    Token: ['secretsmanager:GetSecretValue', 'elasticfilesystem:ClientMount'],
    Secrets: ['secretsmanager:GetSecretValue'],
    Logs: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    Registry: ['ecr:GetAuthorizationToken'],
    Image: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
    Images: ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer'],
    Storage: ['elasticfilesystem:ClientMount', 'elasticfilesystem:ClientWrite'],
    // The zone gateway, of functions that are workloads.
    Invoke: ['lambda:InvokeFunction'],
  }
  const others = statements().filter(({ Sid }) => Sid !== 'Discover')

  assert.deepEqual([...new Set(others.map(({ Sid }) => Sid))].sort(), Object.keys(ownWork).sort())
  for (const { where, Sid, Action, Resource } of others) {
    for (const action of [Action].flat()) assert.ok(ownWork[Sid]!.includes(action), `${where} ${Sid}: ${action}`)
    // The registry's token is for nothing in particular.
    if (Sid !== 'Registry')
      for (const resource of [Resource].flat()) assert.match(resource, /^arn:aws:[a-z]+:/, `${where} ${Sid}: ${resource}`)
  }
})

interface Statement {
  readonly where: string
  readonly Sid: string
  readonly Action: string | readonly string[]
  readonly Resource: string | readonly string[]
}

function statements(): Statement[] {
  return everything.resources
    .filter(({ type }) => type === 'aws_iam_role_policy')
    .flatMap(({ address, values }) =>
      (JSON.parse(values.policy) as { Statement: Statement[] }).Statement.map(statement => ({ ...statement, where: address })),
    )
}

test('what a zone may ask of Azure and Google is what its adapters call', skipWithoutTerraform, () => {
  const azure = everything.resources
    .filter(({ type }) => type === 'azurerm_role_definition')
    .map(({ values }) => values.permissions[0].actions)
  const google = everything.resources
    .filter(({ type }) => type === 'google_project_iam_custom_role')
    .map(({ values }) => values.permissions)

  assert.deepEqual(azure, [[...azureActions.AKS, ...azureActions.AzureVM].sort()])
  assert.deepEqual(google, [[...gcpPermissions.GCE, ...gcpPermissions.GKE].sort()])
})

test('every value for the Helm chart is one that the chart has', skipWithoutTerraform, () => {
  const schema = JSON.parse(readFileSync(join(root, 'deploy/helm/skerry/values.schema.json'), 'utf8')) as object
  const chart = Compile(schema)
  const releases = everything.resources.filter(({ type }) => type === 'helm_release')

  assert.equal(releases.length, 4)
  for (const { address, values } of releases) {
    const [isValid, errors] = chart.Errors(parse(values.values[0]))
    assert.ok(isValid, `${address}: ${JSON.stringify(errors)}`)
  }
})

test('user data has units that systemd takes, and scripts that a shell takes', skipWithoutTerraform, async t => {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-user-data-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const machines = userDataOf(everything)
  assert.equal(machines.size, 5)

  for (const [where, { write_files, runcmd }] of machines) {
    const scripts = write_files.filter(({ permissions }) => permissions === '0755')
    assert.ok(scripts.length > 0, where)
    for (const text of [...scripts.map(({ content }) => content), ...runcmd]) {
      await writeFile(join(directory, 'script'), text)
      await run('sh', ['-n', join(directory, 'script')])
    }
    for (const { path, content } of write_files.filter(({ path }) => /\.(service|timer)$/.test(path))) {
      const sections: readonly string[] = content.match(/^\[\w+\]$/gm) ?? []
      assert.ok(sections.includes('[Unit]'), `${where} ${path}`)
      for (const line of content.split('\n')) assert.match(line, /^($|#|\[\w+\]$|\w+=\S)/, `${where} ${path}: ${line}`)
    }
  }
})

test('machines fetch their token out of the secret store of their cloud, as who they are', skipWithoutTerraform, async t => {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-fetch-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  await mkdir(join(directory, 'bin'))
  for (const [program, script] of Object.entries(cloudPrograms))
    await writeFile(join(directory, 'bin', program), `#!/bin/sh\n${script}\n`, { mode: 0o755 })

  const fetched: Record<string, string> = {}
  for (const [where, { write_files }] of userDataOf(everything)) {
    for (const unit of ['proxy', 'zone']) {
      const prepare = write_files.find(({ path }) => path === `/opt/skerry/prepare/${unit}`)
      if (!prepare) continue
      await mkdir(join(directory, `skerry-${unit}`), { recursive: true })
      await writeFile(join(directory, 'script'), prepare.content.replaceAll('/run/skerry-', `${directory}/skerry-`))
      await run('sh', [join(directory, 'script')], { env: { PATH: `${join(directory, 'bin')}:${process.env.PATH}` } })
      const file = join(directory, `skerry-${unit}`, unit === 'proxy' ? 'token' : 'zone.token')
      fetched[where.split('.')[1]!] = (await readFile(file, 'utf8')).trim()
    }
  }

  assert.deepEqual(fetched, {
    ...{ ec2_zone: 'token-of-aws', ec2_workload: 'token-of-aws' },
    ...{ azure_workload: 'token-of-azure', gcp_workload: 'token-of-google' },
  })
})

/** What a machine finds in its cloud, answering as the metadata services and the secret stores do. */
const cloudPrograms: Readonly<Record<string, string>> = {
  chown: 'exit 0',
  aws: 'case "$*" in *"get-secret-value --region eu-central-1 --secret-id arn:aws:secretsmanager:"*) echo token-of-aws;; *) exit 1;; esac',
  curl: `case "$*" in
    *"Metadata:true"*"169.254.169.254"*) echo '{"access_token":"who-i-am","expires_in":"86399"}';;
    *"Metadata-Flavor:Google"*) echo '{"access_token":"who-i-am","expires_in":3599,"token_type":"Bearer"}';;
    *"Bearer who-i-am"*"vault.azure.net/secrets/skerry-ledger-token"*) echo '{"value":"token-of-azure","contentType":"text/plain","id":"x"}';;
    *"Bearer who-i-am"*"secrets/skerry-search-token/versions/latest:access"*)
      printf '{\\n  "name": "x",\\n  "payload": {\\n    "data": "%s",\\n    "dataCrc32c": "1"\\n  }\\n}\\n' "$(printf token-of-google | base64)";;
    *) exit 22;;
  esac`,
}

test('an emulator of AWS takes what the modules make, parameter by parameter', skipWithoutTerraform, async t => {
  const emulator = await AwsEmulator.moto()
  if (typeof emulator === 'string') return t.skip(emulator)
  await using _ = emulator
  using replay = new AwsReplay(emulator)

  const counts = await replay.replay(everything.resources)

  const made = new Map<string, number>()
  for (const { type } of everything.resources) made.set(type, (made.get(type) ?? 0) + 1)
  for (const [type, count] of counts) assert.equal(count, made.get(type), type)
  assert.ok(counts.get('aws_ecs_service')! >= 6)
  assert.ok(counts.get('aws_vpc_security_group_ingress_rule')! >= 15)
})
