import type { ProxyPlan, VirtualHostPlan } from '../policy/plan.ts'
import { nowhere } from './listener.ts'

/** What is wrong between a plan's parts, one sentence each: a client would accept it and then fail requests. For tests of whoever plans. */
export function brokenReferences(plan: ProxyPlan): string[] {
  const clusters = new Set(plan.clusters.map(cluster => cluster.name))
  const problems = [
    ...repeated(
      'listener',
      plan.listeners.map(listener => listener.name),
    ),
    ...repeated(
      'address',
      plan.listeners.flatMap(listener => (listener.kind === 'agentless' ? [] : [`${listener.address}:${listener.port}`])),
    ),
    ...repeated(
      'cluster',
      plan.clusters.map(cluster => cluster.name),
    ),
    ...repeated(
      'trust domain',
      plan.trust.map(trust => trust.trustDomain),
    ),
  ]
  const need = (cluster: string, where: string) => {
    if (!clusters.has(cluster) && cluster !== nowhere) problems.push(`${where} names the cluster ${cluster}, which is not there`)
  }
  const checkHosts = (hosts: readonly VirtualHostPlan[], where: string) => {
    problems.push(
      ...repeated(
        `${where}: domain`,
        hosts.flatMap(host => host.domains),
      ),
    )
    for (const host of hosts) {
      for (const route of host.routes) {
        if (route.action.kind === 'forward') for (const { cluster } of route.action.clusters) need(cluster, `${where}: route ${route.name}`)
      }
    }
  }

  for (const listener of plan.listeners) {
    const where = `listener ${listener.name}`
    switch (listener.kind) {
      case 'inbound':
      case 'agentless':
        need(listener.cluster, where)
        if (plan.trust.length === 0) problems.push(`${where} needs mTLS, and the plan trusts nobody`)
        break
      case 'outbound':
        if (listener.target.protocol === 'http') checkHosts([listener.target.virtualHost], where)
        else for (const { cluster } of listener.target.clusters) need(cluster, where)
        break
      case 'gateway':
        checkHosts(listener.virtualHosts, where)
        for (const { cluster } of listener.tcp?.clusters ?? []) need(cluster, where)
        break
      case 'zone-ingress':
        problems.push(
          ...repeated(
            `${where}: SNI`,
            listener.chains.map(chain => chain.sni),
          ),
        )
        for (const { cluster } of listener.chains) need(cluster, where)
        break
      case 'http-proxy':
        checkHosts(plan.onDemand, where)
    }
  }
  for (const cluster of plan.clusters) {
    if (cluster.kind === 'service' && cluster.tls && plan.trust.length === 0)
      problems.push(`cluster ${cluster.name} needs mTLS, and the plan trusts nobody`)
  }
  return problems
}

function repeated(what: string, names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) < index))].map(name => `${what} ${name} is there twice`)
}
