import type { Listener } from './accept/listener.ts'
import type { Cluster } from './upstream/cluster.ts'

const CLASSES = ['cut', '1xx', '2xx', '3xx', '4xx', '5xx']

/** Everything that is counted, by name with labels as Prometheus writes them. */
export function collectCounters(listeners: Iterable<Listener>, clusters: Iterable<Cluster>): ReadonlyMap<string, number> {
  const counters = new Map<string, number>()
  for (const { table, stats, connections, busy } of listeners) {
    const listener = label('listener', table.name)
    stats.classes.forEach((count, index) => {
      if (count > 0) counters.set(`skerry_listener_requests_total{${listener},class="${CLASSES[index]}"}`, count)
    })
    counters.set(`skerry_listener_connections_total{${listener}}`, stats.opened)
    counters.set(`skerry_listener_connections_refused_total{${listener}}`, stats.refused)
    counters.set(`skerry_listener_connections{${listener}}`, connections)
    counters.set(`skerry_listener_active{${listener}}`, busy)
  }
  for (const cluster of clusters) {
    const name = label('cluster', cluster.name)
    const { stats, usage } = cluster
    stats.classes.forEach((count, index) => {
      if (count > 0) counters.set(`skerry_cluster_requests_total{${name},class="${CLASSES[index]}"}`, count)
    })
    for (const [reason, count] of stats.failures) counters.set(`skerry_cluster_failures_total{${name},reason="${reason}"}`, count)
    counters.set(`skerry_cluster_retries_total{${name}}`, stats.retries)
    counters.set(`skerry_cluster_ejections_total{${name}}`, stats.ejections)
    counters.set(`skerry_cluster_active{${name}}`, cluster.active)
    counters.set(`skerry_cluster_connections{${name}}`, usage.connections)
    counters.set(`skerry_cluster_pending{${name}}`, usage.pending)
    const hosts = [...cluster.hosts]
    counters.set(`skerry_cluster_hosts{${name}}`, hosts.length)
    counters.set(`skerry_cluster_hosts_usable{${name}}`, hosts.filter(host => host.isUsable).length)
  }
  return counters
}

function label(name: string, value: string): string {
  return `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
}
