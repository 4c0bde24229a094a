import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { parseAllDocuments } from 'yaml'
import { options as globalOptions } from '../../src/global-cp/config.ts'
import { options as proxyOptions } from '../../src/proxy/config.ts'
import { resolveOptions } from '../../src/std/options.ts'
import { options as zoneOptions } from '../../src/zone-cp/config.ts'
import { findHelm } from './helm.ts'
import { Kube } from './kube.ts'

const run = promisify(execFile)
const chart = join(import.meta.dirname, '..', '..', 'deploy', 'helm', 'skerry')

const variants: Readonly<Record<string, readonly string[]>> = {
  'a zone that stands alone': [],
  'a zone of a global, with everything': [
    ...[
      '--set',
      'zone.name=aws-1,zone.global.url=https://global.example.com:5685,zone.global.tokenSecret.name=zone-token,zone.global.caSecret.name=ca',
    ],
    ...[
      '--set',
      'injection.enabled=true,zoneGateway.enabled=true,routes.enabled=true,adminToken.secret.name=admin,discovery.namespaces={default}',
    ],
    ...['--set', 'persistence.storageClass=gp3,podLabels.team=mesh,serviceAccount.annotations.role=x,zoneGateway.address=192.0.2.1'],
  ],
  'a zone whose gateway has a token of its own, on etcd': [
    ...[
      '--set',
      'zoneGateway.enabled=true,zoneGateway.tokenSecret.name=token,store.etcd.endpoints={http://etcd:2379},persistence.enabled=false',
    ],
  ],
  'a global control plane': ['--set', 'mode=global'],
  'three replicas of a global control plane': [
    '--set',
    'mode=global,replicas=3,store.etcd.endpoints={http://etcd:2379},persistence.enabled=false',
  ],
}

interface Rendered {
  readonly kind: string
  readonly metadata: { readonly name: string }
  // biome-ignore lint/suspicious/noExplicitAny: any object of a cluster
  readonly [member: string]: any
}

let helm: string
let why: string | undefined
let kube: Kube | string

before(async () => {
  const found = await findHelm()
  if (typeof found === 'string') {
    why = found
    return
  }
  helm = found.path
  kube = await Kube.start({ controllers: false })
  if (typeof kube === 'string') why = kube
})
after(async () => {
  if (kube instanceof Kube) await kube.stop()
})

describe('the Helm chart', { timeout: 240_000 }, () => {
  for (const [what, settings] of Object.entries(variants)) {
    chartTest(`${what} is taken by a cluster, and by our programs`, async () => {
      const text = await template(settings)
      await (kube as Kube).ctl(['apply', '--server-side', '--dry-run=server', '-n', 'default', '-f', '-'], text)

      const objects = parseAllDocuments(text).flatMap(document => (document.toJS() as Rendered | null) ?? [])
      for (const { spec } of objects.filter(({ kind }) => kind === 'StatefulSet' || kind === 'Deployment'))
        for (const container of spec.template.spec.containers) assertSettings(container)
    })
  }

  chartTest('the control plane may read what discovery needs and no Secret, and what it may not be asked for is not there', async () => {
    const objects = parseAllDocuments(await template(['--set', 'injection.enabled=true'])).map(
      document => document.toJS() as Rendered | null,
    )
    const rules = objects
      .filter(it => it?.kind === 'ClusterRole' || it?.kind === 'Role')
      .flatMap(it => it!.rules as { resources: string[]; verbs: string[] }[])
    const granted = rules.flatMap(({ resources, verbs }) => resources.map(resource => `${resource}: ${verbs.join()}`)).sort()

    assert.deepEqual(granted, [
      'configmaps: create',
      'configmaps: get,patch',
      'endpointslices: get,list,watch',
      'mutatingwebhookconfigurations: get,patch',
      'namespaces: get,list,watch',
      'nodes: get,list,watch',
      'pods: get',
      'pods: get,list,watch',
      'serviceexports: get,list,watch',
      'serviceimports: get,list,watch',
      'services: get,list,watch',
      'tokenreviews: create',
    ])
  })

  chartTest('settings that cannot work are refused with what to do', async () => {
    const refusalOf = (...settings: string[]) =>
      template(['--set', ...settings]).then(
        () => assert.fail('it was taken'),
        error => String(error.stderr),
      )
    assert.match(await refusalOf('mode=both'), /mode/)
    assert.match(await refusalOf('replicas=2'), /more than one is for mode global/)
    assert.match(await refusalOf('zone.global.url=https://g:1'), /tokenSecret/)
    assert.match(await refusalOf('zoneGatway.enabled=true'), /zoneGatway/)
    assert.match(await refusalOf('injection.enabled=true,zoneGateway.enabled=true,injection.mesh=a'), /one mesh/)
  })

  chartTest('it is clean by helm lint', async () => {
    const { stdout } = await run(helm, ['lint', '--strict', chart])
    assert.match(stdout, /0 chart\(s\) failed/)
  })
})

function template(settings: readonly string[]): Promise<string> {
  return run(helm, ['template', 'skerry', chart, '--kube-version', '1.36.0', ...settings]).then(({ stdout }) => stdout)
}

/** What the chart sets, our programs know, and take. */
function assertSettings({ args, env }: { args: readonly string[]; env: readonly { name: string; value?: string }[] }): void {
  const specs = args[0] === 'zone' ? zoneOptions : args[0] === 'global' ? globalOptions : proxyOptions
  const known = new Set<string>(specs.map(spec => spec.env))
  const variables = env.filter(({ name }) => name.startsWith('SKERRY_'))
  assert.deepEqual(
    variables.filter(({ name }) => !known.has(name)),
    [],
  )
  const resolved = resolveOptions(specs, {
    argv: args.slice(2),
    env: Object.fromEntries(variables.map(({ name, value }) => [name, value?.replace('$(POD_IP)', '10.0.0.1')])),
  })
  assert.equal(resolved.kind, 'ok', JSON.stringify(resolved))
}

function chartTest(sentence: string, body: (t: TestContext) => Promise<void>): void {
  test(sentence, async t => (why === undefined ? body(t) : t.skip(why)))
}

test('every value of the chart has its place in the schema', async () => {
  const schema = JSON.parse(await readFile(join(chart, 'values.schema.json'), 'utf8'))
  const values = parseAllDocuments(await readFile(join(chart, 'values.yaml'), 'utf8'))[0]!.toJS() as Record<string, unknown>

  assert.deepEqual(
    Object.keys(values).filter(key => !(key in schema.properties)),
    [],
  )
})
