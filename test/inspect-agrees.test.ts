import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { anApi } from '../src/api/test-support.ts'
import { inboundName } from '../src/model/kinds/dataplane.ts'
import { kriOf } from '../src/model/kri.ts'
import type { OutboundPlan, ProxyPlan, Settings } from '../src/policy/plan.ts'
import { planProxy } from '../src/policy/plan-proxy.ts'
import { scenarios, worldOf } from './golden/scenario.ts'

interface Field {
  readonly path: string
  readonly value: unknown
  readonly kri: string | null
  readonly ruleIndex: number | null
}
interface Shown {
  readonly kind: string
  readonly conf?: unknown
  readonly rules?: readonly { readonly kri: string }[]
  readonly fields?: readonly Field[]
}

/** What proxies are told and what people are shown of it must be the same, in every scenario that there is a golden of. */
describe('what the API shows of a proxy is what it is told', () => {
  for (const scenario of scenarios()) {
    test(scenario.name, async () => {
      const { zone, view, resources } = worldOf(scenario)
      await using api = await anApi({ role: { kind: 'zone', zone, federated: true } })
      const mesh = { kind: 'Mesh', mesh: '', name: view.mesh, labels: {}, spec: {} }
      await api.registry.commit(
        [mesh, ...resources].map(({ kind, mesh, name, labels, spec }) => ({ kind: 'put', draft: { kind, mesh, name, labels, spec } })),
      )
      const dataplane = view.get('Dataplane', scenario.proxy)!
      const plan = planProxy(view, dataplane)
      const show = async (path: string) => {
        const { status, body } = await api.get(`/meshes/${view.mesh}/dataplanes/${scenario.proxy}/${path}`)
        assert.equal(status, 200, JSON.stringify(body))
        return body
      }

      assert.deepEqual(byKind((await show('_policies?include=fields')).policies, Object.keys(plan.settings)), told(plan.settings))

      const layout = await show('_layout')
      assert.equal(layout.spiffeId ?? null, plan.spiffeId)
      for (const inbound of dataplane.spec.networking.inbound ?? []) {
        const inboundPlan = plan.listeners.find(listener => listener.kind === 'inbound' && listener.port === inbound.port)
        if (inboundPlan?.kind !== 'inbound') continue
        const kri = encodeURIComponent(kriOf(dataplane, inboundName(inbound)))
        const shown: Shown[] = (await show(`_inbounds/${kri}/_policies?include=fields`)).policies
        assert.deepEqual(byKind(shown, Object.keys(inboundPlan.settings)), told(inboundPlan.settings), inbound.name)
        for (const [kind, rules] of [
          ['MeshRateLimit', inboundPlan.rateLimits],
          ['MeshFaultInjection', inboundPlan.faults],
        ] as const) {
          const known = new Set(shown.find(one => one.kind === kind)?.rules?.map(rule => rule.kri))
          for (const { origin } of rules) assert(known.has(origin.split('#')[0]!), `${kind}: ${origin}`)
        }
      }

      for (const { kri, proxyResourceName } of layout.outbounds as { kri: string; proxyResourceName: string }[]) {
        const listener = plan.listeners.find(one => one.name === proxyResourceName)
        if (listener?.kind !== 'outbound') continue
        const inForce = settingsOfCalls(plan, listener)
        const shown: Shown[] = (await show(`_outbounds/${encodeURIComponent(kri)}/_policies?include=fields`)).policies
        for (const [kind, settings] of Object.entries(told(inForce))) {
          if (kind === 'MeshTCPRoute') continue
          const fields = byKind(shown, [kind])[kind] ?? {}
          for (const [path, setting] of Object.entries(settings)) assert.deepEqual(fields[path], setting, `${kri} ${kind} ${path}`)
        }
        for (const { kind, conf, fields } of shown) {
          // A MeshTLS is written for what comes in, and no `to` of it says what is in force for calls.
          if (kind === 'MeshTLS') continue
          const [said] = conf as [unknown] | []
          for (const field of fields ?? [])
            if (field.kri !== null) assert.deepEqual(field.value, at(said, field.path), `${kri} ${kind} ${field.path}`)
        }
        const routes: Shown[] = (await show(`_outbounds/${encodeURIComponent(kri)}/_routes`)).routes
        const shownOrigins = new Set(
          routes.filter(({ kind }) => kind === 'MeshHTTPRoute').flatMap(({ rules }) => rules!.map(rule => rule.kri)),
        )
        assert.deepEqual(shownOrigins, originsOfRoutes(listener), kri)
      }
      const resolved = plan.listeners.filter(listener => listener.kind === 'outbound' && listener.name.startsWith('kri_'))
      if (!dataplane.spec.networking.httpProxy && resolved.length > 0)
        for (const { name } of resolved)
          assert(
            layout.outbounds.some((one: { proxyResourceName: string }) => one.proxyResourceName === name),
            name,
          )
    })
  }
})

type Told = Record<string, Record<string, readonly [value: unknown, origin: string]>>

function told(settings: Settings): Told {
  return Object.fromEntries(
    Object.entries(settings).map(([kind, list]) => [
      kind,
      Object.fromEntries(list.map(({ path, value, origin }) => [path, [value, origin] as const])),
    ]),
  )
}

function byKind(shown: readonly Shown[], kinds: readonly string[]): Told {
  const wanted = shown.filter(({ kind }) => kinds.includes(kind))
  return Object.fromEntries(
    wanted.map(({ kind, fields = [] }) => [
      kind,
      Object.fromEntries(
        fields.map(({ path, value, kri, ruleIndex }) => [path, [value, kri === null ? 'default' : `${kri}#${ruleIndex}`] as const]),
      ),
    ]),
  )
}

/** Of a service that is called on a port of its own: of connections, and of requests that no route treats otherwise. */
function settingsOfCalls(plan: ProxyPlan, { target, name }: OutboundPlan): Settings {
  const cluster = plan.clusters.find(one => one.kind === 'service' && name.startsWith(one.name))
  const ofConnections = cluster?.kind === 'service' ? cluster.settings : {}
  if (target.protocol === 'tcp') return join(ofConnections, target.settings)
  const rest = target.virtualHost.routes.find(({ origin }) => origin === 'default')
  return join(join(ofConnections, target.virtualHost.settings), rest?.settings ?? {})
}

function join(a: Settings, b: Settings): Settings {
  const kinds = new Set([...Object.keys(a), ...Object.keys(b)])
  return Object.fromEntries([...kinds].map(kind => [kind, [...(a[kind] ?? []), ...(b[kind] ?? [])]]))
}

function originsOfRoutes({ target }: OutboundPlan): Set<string> {
  if (target.protocol === 'tcp') return new Set()
  return new Set(target.virtualHost.routes.flatMap(({ origin }) => (origin === 'default' ? [] : [origin.split('#')[0]!])))
}

/** `http.requestTimeout`, `backends[0]` of a configuration. */
function at(conf: unknown, path: string): unknown {
  return path
    .split(/[.[\]]+/)
    .filter(part => part !== '')
    .reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], conf)
}
