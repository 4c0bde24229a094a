import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { AccessLogConf } from '../model/kinds/mesh-access-log.ts'
import type { CircuitBreakerConf } from '../model/kinds/mesh-circuit-breaker.ts'
import type { FaultInjectionConf } from '../model/kinds/mesh-fault-injection.ts'
import type { MeshGateway } from '../model/kinds/mesh-gateway.ts'
import type { HealthCheckConf } from '../model/kinds/mesh-health-check.ts'
import type { LoadBalancingConf } from '../model/kinds/mesh-load-balancing-strategy.ts'
import type { MetricConf } from '../model/kinds/mesh-metric.ts'
import type { PassthroughConf } from '../model/kinds/mesh-passthrough.ts'
import type { RateLimitConf } from '../model/kinds/mesh-rate-limit.ts'
import type { RetryConf } from '../model/kinds/mesh-retry.ts'
import type { TimeoutConf } from '../model/kinds/mesh-timeout.ts'
import type { TlsConf } from '../model/kinds/mesh-tls.ts'
import type { TraceConf } from '../model/kinds/mesh-trace.ts'
import { kriOf } from '../model/kri.ts'
import type { OtelBackendRef } from '../model/otel-backend-ref.ts'
import { findOtelBackend, type OtelEndpointPlan } from './otel-backend.ts'
import type { ClusterPlan, PlanWarning } from './plan.ts'
import { servedGateways } from './rules/match.ts'
import type { RuleConf } from './rules/policy.ts'
import { PolicyIndex } from './rules/policy-index.ts'
import { ProxyRules } from './rules/proxy-rules.ts'
import type { MeshView, ViewKind } from './view.ts'

/** What each kind of policy says, by kind. */
export interface PolicyConfs {
  MeshAccessLog: AccessLogConf
  MeshCircuitBreaker: CircuitBreakerConf
  MeshFaultInjection: FaultInjectionConf
  MeshHealthCheck: HealthCheckConf
  MeshHTTPRoute: unknown
  MeshLoadBalancingStrategy: LoadBalancingConf
  MeshMetric: MetricConf
  MeshPassthrough: PassthroughConf
  MeshProxyPatch: unknown
  MeshRateLimit: RateLimitConf
  MeshRetry: RetryConf
  MeshTCPRoute: unknown
  MeshTLS: TlsConf
  MeshTimeout: TimeoutConf
  MeshTrace: TraceConf
  MeshTrafficPermission: unknown
}
export type PolicyKind = keyof PolicyConfs & ViewKind

/** What all parts of one proxy's planning share. */
export class Planning {
  readonly view: MeshView
  readonly dataplane: Dataplane
  /** Those that this proxy serves. */
  readonly gateways: readonly MeshGateway[]
  /** By name, each once. */
  readonly clusters = new Map<string, ClusterPlan>()
  readonly #warnings = new Map<string, PlanWarning>()
  readonly #rules = new Map<PolicyKind, ProxyRules>()

  constructor(view: MeshView, dataplane: Dataplane) {
    this.view = view
    this.dataplane = dataplane
    this.gateways = servedGateways(dataplane, view.list('MeshGateway'))
  }

  /** Each once, in the order in which they were found. */
  get warnings(): readonly PlanWarning[] {
    return [...this.#warnings.values()]
  }

  /** What the policies of a kind say to this proxy. */
  rules<K extends PolicyKind>(kind: K): ProxyRules<PolicyConfs[K], PolicyConfs[K], PolicyConfs[K]> {
    let rules = this.#rules.get(kind)
    if (!rules) {
      rules = new ProxyRules(PolicyIndex.ofTable(this.view.tables[kind]), { dataplane: this.dataplane, gateways: this.gateways })
      this.#rules.set(kind, rules)
    }
    return rules as ProxyRules<PolicyConfs[K], PolicyConfs[K], PolicyConfs[K]>
  }

  warn(resource: string, reason: string): void {
    this.#warnings.set(`${resource} ${reason}`, { resource, reason })
  }

  /** The collector that a rule refers to; a reference to nothing is reported on the policies that the rule came from. */
  otelBackend(rule: RuleConf | null, ref: OtelBackendRef | undefined): OtelEndpointPlan | null {
    const found = findOtelBackend(this.view.list('MeshOpenTelemetryBackend'), ref)
    if (!found) {
      const what = ref
        ? `no MeshOpenTelemetryBackend has the labels ${JSON.stringify(ref.labels ?? {})}`
        : 'the backend refers to no MeshOpenTelemetryBackend'
      for (const { kri } of rule?.origins.slice(-1) ?? []) this.warn(kri, `${what}: the backend is left out`)
    }
    return found
  }

  /** Reports what is wrong between settings of several policies, on the one that spoke last. */
  atOdds(rule: RuleConf | null, contradiction: string | null): void {
    const last = rule?.origins.at(-1)
    if (last && contradiction !== null) this.warn(last.kri, contradiction)
  }

  get kri(): string {
    return kriOf(this.dataplane)
  }
}
