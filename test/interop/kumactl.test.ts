import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parseAllDocuments, parse as parseYaml } from 'yaml'
import { kinds } from '../../src/model/kinds/index.ts'
import { ControlPlaneProcess, SkerryProcess } from '../conformance/program.ts'
import { Kumactl } from './kumactl-peer.ts'

const kumactlOrWhyNot = await Kumactl.get()
const skip = typeof kumactlOrWhyNot === 'string' ? kumactlOrWhyNot : false
const kumactl = kumactlOrWhyNot as Kumactl

/** What an unmodified kumactl does with both control planes. It is configured anew for each, as a user would. */
describe('kumactl', { skip, concurrency: false }, () => {
  let global: ControlPlaneProcess
  let zone: ControlPlaneProcess

  before(async () => {
    // One after the other: what was started is stopped also where the next does not come up.
    global = await ControlPlaneProcess.start('global')
    zone = await ControlPlaneProcess.start('zone', ['--zone', 'east'])
    for (const [name, { url, token }] of [['global', global] as const, ['zone', zone] as const]) {
      await ok('config', 'control-planes', 'add', '--name', name, '--address', url, '--auth-type=tokens', '--auth-conf', `token=${token}`)
    }
  })

  after(async () => {
    await Promise.all([global?.[Symbol.asyncDispose](), zone?.[Symbol.asyncDispose]()])
    await kumactl[Symbol.asyncDispose]()
  })

  test('a control plane is added without --skip-check and used without a warning', async () => {
    const added = await kumactl.run('config', 'control-planes', 'add', '--name', 'plain', '--address', global.url)
    assert.equal(added.code, 0, added.err)
    assert.match(added.out, /added Control Plane "plain"/)
    await use('global')

    const listed = await kumactl.run('get', 'meshes')

    assert.deepEqual([listed.code, listed.err], [0, ''])
    assert.match(listed.out, /^NAME +AGE\ndefault +\d+s/)
  })

  test('what is applied is created, then updated without a change, and read back as table, JSON and YAML', async () => {
    await use('global')
    const files = { meshes: aMesh, meshtimeouts: aTimeout, meshmultizoneservices: aMultiZoneService, secrets: aSecret, zones: aZone }

    const created = await feed(Object.values(files).join('---\n'), 'apply', '-f', '-')
    assert.equal(created.match(/ Created/g)?.length, 5, created)
    const before = await revision(global)
    const updated = await feed(Object.values(files).join('---\n'), 'apply', '-f', '-')
    assert.equal(updated.match(/ Updated/g)?.length, 5, updated)
    assert.equal(await revision(global), before, 'an equal PUT changes nothing')

    assert.match(await ok('get', 'meshtimeouts'), /^MESH +NAME +AGE\ndefault +slow +\d+s\n/)
    const timeout = parseYaml(await ok('get', 'meshtimeout', 'slow', '-o', 'yaml'))
    assert.deepEqual([timeout.kri, timeout.spec.to[0].default.connectionTimeout], ['kri_mt_default___slow_', '2s'])
    const secret = JSON.parse(await ok('get', 'secret', 'sec-1', '-o', 'json'))
    assert.deepEqual([secret.type, secret.data], ['Secret', 'dGVzdAo='])
    const service = JSON.parse(await ok('get', 'meshmultizoneservices', '-o', 'json'))
    assert.deepEqual([service.total, service.items[0].snis], [1, [{ port: 6379, sni: 'sni.mzsvc.default.redis.6379' }]])
  })

  for (const place of ['global', 'zone'] as const) {
    test(`every kind that kumactl knows is listed by the ${place} control plane`, async () => {
      await use(place)
      const help = await ok('get', '--help')
      const nouns = [...help.matchAll(/^ {2}([a-z]+) +Show [A-Z]\w+$/gm)].map(match => match[1]!)
      assert.ok(nouns.length >= 28, help)
      assert.deepEqual(
        nouns.filter(noun => !kinds.some(kind => kind.path.replaceAll('-', '') === noun)),
        [],
      )

      for (const noun of nouns) {
        const [table, json] = await Promise.all([ok('get', noun), ok('get', noun, '-o', 'json')])
        assert.match(table, /NAME/, noun)
        assert.ok(Array.isArray(JSON.parse(json).items), noun)
      }
    })
  }

  test('what is invalid is refused with the field, and so is a kind that this control plane does not write', async () => {
    await use('zone')
    const zoneHere = await kumactl.feed(aZone, 'apply', '-f', '-')
    assert.equal(zoneHere.code, 1)
    assert.match(zoneHere.err, /global control plane/)

    const noMesh = await kumactl.feed(aTimeout.replace('mesh: default', 'mesh: nowhere'), 'apply', '-f', '-')
    assert.equal(noMesh.code, 1)
    assert.match(noMesh.err, /nowhere|Mesh is not found|Failed to retrieve Mesh/)

    const wrongName = await kumactl.feed(aMultiZoneService.replace('name: redis', 'name: re.dis'), 'apply', '-f', '-')
    assert.equal(wrongName.code, 1)
    assert.match(wrongName.err, /name/)
  })

  test('a proxy and what applies to it are inspected in its zone', async () => {
    await use('zone')
    await feed(`${aDataplane}---\n${aTimeout}---\n${aPassthrough}`, 'apply', '-f', '-')

    assert.match(await ok('inspect', 'dataplanes'), /default +web-1 .*Offline/)
    assert.equal(JSON.parse(await ok('inspect', 'dataplanes', '-o', 'json')).items[0].type, 'DataplaneOverview')
    assert.match(await ok('inspect', 'meshes'), /default +0\/1/)
    assert.match(await ok('inspect', 'dataplane', 'web-1', '--type=policies'), /MeshPassthrough +kri_mp_default_east__none_/)
    const config = JSON.parse(await ok('inspect', 'dataplane', 'web-1', '--type=config'))
    assert.ok('type.googleapis.com/envoy.config.listener.v3.Listener' in config.xds, JSON.stringify(config).slice(0, 300))
    await feed(aShadow, 'apply', '-f', '-')
    const changed = JSON.parse(await ok('inspect', 'dataplane', 'web-1', '--type=config', '--shadow', '--include=diff'))
    assert.ok(JSON.stringify(changed.diff).includes('322s'), JSON.stringify(changed.diff))
    assert.match(await ok('inspect', 'meshtimeout', 'slow'), /web-1/)
    for (const type of ['config-dump', 'stats', 'clusters']) {
      const asked = await kumactl.run('inspect', 'dataplane', 'web-1', `--type=${type}`)
      assert.equal(asked.code, 1)
      assert.match(asked.err, /does not open connections to proxies/)
    }
  })

  test('zones are inspected at global', async () => {
    await use('global')
    await feed(aZone, 'apply', '-f', '-')

    assert.match(await ok('inspect', 'zones'), /west +Offline/)
    assert.equal(JSON.parse(await ok('inspect', 'zones', '-o', 'json')).items[0].type, 'ZoneOverview')
  })

  test('an export is applied to another control plane, and says the same there', async () => {
    await use('global')
    await feed(`${aMesh}---\n${aTimeout}---\n${aSecret}`, 'apply', '-f', '-')
    const exported = await ok('export', '--profile', 'federation-with-policies')
    const first = documentsOf(exported)
    assert.ok(first.some(it => it.type === 'MeshTimeout' && it.name === 'slow'))
    assert.ok(
      !exported.includes('PRIVATE KEY') && !first.some(it => String(it.name).includes('signing')),
      'no key of the control plane leaves it',
    )
    const kubernetes = documentsOf(await ok('export', '--profile', 'federation-with-policies', '--format', 'kubernetes'))
    assert.ok(kubernetes.some(it => it.kind === 'MeshTimeout' && it.apiVersion === 'kuma.io/v1alpha1'))

    await using other = await ControlPlaneProcess.start('global', ['--no-defaults'])
    await ok(
      'config',
      'control-planes',
      'add',
      '--name',
      'other',
      '--address',
      other.url,
      '--auth-type=tokens',
      '--auth-conf',
      `token=${other.token}`,
    )
    await use('other')
    // kumactl's own comment lines are a document without a type to it.
    await feed(exported.slice(exported.indexOf('---\n') + 4), 'apply', '-f', '-')
    const second = documentsOf(await ok('export', '--profile', 'federation-with-policies'))

    assert.deepEqual(second.map(identity).sort(), first.map(identity).sort())
  })

  test('what is deleted is gone, and deleting it again says so', async () => {
    await use('global')
    await feed(aTimeout, 'apply', '-f', '-')

    assert.match(await ok('delete', 'meshtimeout', 'slow'), /deleted MeshTimeout "slow"/)

    const again = await kumactl.run('delete', 'meshtimeout', 'slow')
    assert.equal(again.code, 1)
    assert.match(again.err, /there is no MeshTimeout with name "slow"/)
    const read = await kumactl.run('get', 'meshtimeout', 'slow')
    assert.match(read.err, /No resources found|not found/i)
  })

  test('the user token that kumactl makes is a good one', async () => {
    await use('global')
    const token = (await ok('generate', 'user-token', '--name', 'ann', '--group', 'mesh-system:admin', '--valid-for', '1h')).trim()

    const who = await fetch(`${global.url}/who-am-i`, { headers: { authorization: `Bearer ${token}` } })
    assert.equal(((await who.json()) as { name: string }).name, 'ann')
    const secrets = await fetch(`${global.url}/globalsecrets`, { headers: { authorization: `Bearer ${token}` } })
    assert.equal(secrets.status, 200)
  })

  test('the zone token that kumactl makes lets a zone join', async () => {
    await use('global')
    const token = (await ok('generate', 'zone-token', '--zone', 'joining', '--valid-for', '1h')).trim()

    await using files = await tokenFile(token)
    const to = ['--global', `https://${global.ports.sync}`, '--zone-token-file', files.path]
    await using joining = await ControlPlaneProcess.start('zone', ['--zone', 'joining', ...to])
    const found = await until(async () => {
      const { items } = JSON.parse(await ok('inspect', 'zones', '-o', 'json')) as { items: { name: string; zoneInsight?: ZoneInsight }[] }
      return items.find(it => it.name === 'joining' && it.zoneInsight?.subscriptions?.some(stream => stream.disconnectTime === undefined))
    })

    assert.equal(found.name, 'joining')
    assert.ok(joining.url)
  })

  test('the dataplane token that kumactl makes lets a proxy in', async () => {
    await use('zone')
    const token = (await ok('generate', 'dataplane-token', '--mesh', 'default', '--valid-for', '1h')).trim()

    await using files = await tokenFile(token)
    const run = ['proxy', 'run', '--cp', zone.ports.xds!, '--token-file', files.path, '--name', 'let-in', '--service', 'let-in']
    const where = ['--port', '9', '--address', '127.0.0.1', '--bind', '127.0.0.1', '--inbound-port', '0', '--health', 'none']
    await using proxy = await SkerryProcess.start(folder => [...run, ...where, '--data', folder])
    const overview = await until(async () => {
      assert.ok(!proxy.hasEnded, proxy.said)
      const { items } = JSON.parse(await ok('inspect', 'dataplanes', '-o', 'json')) as {
        items: { name: string; dataplaneInsight?: ZoneInsight }[]
      }
      return items.find(
        it => it.name === 'let-in' && it.dataplaneInsight?.subscriptions?.some(stream => stream.disconnectTime === undefined),
      )
    })

    assert.equal(overview.name, 'let-in')
  })
})

interface ZoneInsight {
  readonly subscriptions?: readonly { readonly disconnectTime?: string }[]
}

const aMesh = 'type: Mesh\nname: pay\n'
const aZone = 'type: Zone\nname: west\nenabled: true\n'
const aSecret = 'type: Secret\nmesh: default\nname: sec-1\ndata: dGVzdAo=\n'
const aTimeout = `type: MeshTimeout
mesh: default
name: slow
spec:
  targetRef: { kind: Mesh }
  to:
  - targetRef: { kind: Mesh }
    default: { connectionTimeout: 2s, http: { requestTimeout: 5s } }
`
const aShadow = `type: MeshTimeout
mesh: default
name: slower
labels: { kuma.io/effect: shadow }
spec:
  rules:
  - default: { http: { streamIdleTimeout: 322s } }
`
const aMultiZoneService = `type: MeshMultiZoneService
mesh: default
name: redis
spec:
  selector: { meshService: { matchLabels: { kuma.io/display-name: redis } } }
  ports: [{ port: 6379, appProtocol: tcp }]
`
const aPassthrough = 'type: MeshPassthrough\nmesh: default\nname: none\nspec:\n  default: { passthroughMode: None }\n'
const aDataplane = `type: Dataplane
mesh: default
name: web-1
labels: { kuma.io/workload: web }
networking:
  address: 10.0.0.5
  inbound: [{ port: 8080, name: http, protocol: http }]
`

async function ok(...args: string[]): Promise<string> {
  const { code, out, err } = await kumactl.run(...args)
  assert.equal(code, 0, `kumactl ${args.join(' ')}: ${err || out}`)
  return out
}

async function feed(text: string, ...args: string[]): Promise<string> {
  const { code, out, err } = await kumactl.feed(text, ...args)
  assert.equal(code, 0, `kumactl ${args.join(' ')}: ${err || out}`)
  return out
}

function use(name: string): Promise<string> {
  return ok('config', 'control-planes', 'switch', '--name', name)
}

async function revision({ url, token }: ControlPlaneProcess): Promise<string | null> {
  const answer = await fetch(`${url}/meshes`, { headers: { authorization: `Bearer ${token}` } })
  return answer.headers.get('x-skerry-revision')
}

async function tokenFile(token: string): Promise<{ readonly path: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'skerry-token-'))
  const path = join(folder, 'token')
  await writeFile(path, token, { mode: 0o600 })
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

/** Waits for what comes within a few seconds. */
async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  const began = Date.now()
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    assert.ok(Date.now() - began < 20_000, 'it did not come within 20 s')
    await new Promise(wait => setTimeout(wait, 200))
  }
}

function documentsOf(yaml: string): Record<string, unknown>[] {
  return [...parseAllDocuments(yaml)].flatMap((document): Record<string, unknown>[] => document.toJS() ?? [])
}

/** What an object is, without what a server adds. */
function identity({ type, mesh, name, spec }: Record<string, unknown>): string {
  return JSON.stringify([type, mesh, name, spec])
}
