import { DashboardModel } from '../api/dashboard/model/dashboard-model.ts'
import type { DataplaneFacts } from '../derive/facts.ts'
import type { DataplaneInsight, DataplaneInsightSpec } from '../model/kinds/dataplane-insight.ts'
import type { Registry } from '../registry/registry.ts'
import type { Clock } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import { version } from '../std/version.ts'
import type { ZoneCore } from './core.ts'

interface Options {
  readonly registry: Registry
  readonly core: Pick<ZoneCore, 'facts' | 'insights'>
  readonly zone: string
  readonly instanceId: string
  readonly clock: Clock
  readonly log: Log
}

/** What `/dashboard/v1` shows of this zone, fed by its registry and by what its proxies tell. Close it before the core. */
export function openDashboard({ registry, core, zone, instanceId, clock, log }: Options): DashboardModel {
  const model = new DashboardModel({
    registry,
    clock,
    log,
    zone,
    instance: instanceId,
    version,
    insightOf: dataplane => {
      const { mesh, name } = dataplane
      // Of a proxy that has not come back since the start counts what was known before.
      const stored = () => registry.get<DataplaneInsight>({ kind: 'DataplaneInsight', mesh, name })?.spec
      return (core.insights.render(dataplane)?.spec as DataplaneInsightSpec | undefined) ?? stored()
    },
  })
  core.facts.onChange((key, value, previous) => {
    if (isOnlyTraffic(value, previous)) return
    const [mesh = '', name = ''] = key.split('/')
    model.proxyChanged(mesh, name)
  })
  return model
}

/** Do two facts differ in nothing but the messages that were exchanged? Those are counted with every push to every proxy. */
function isOnlyTraffic(value: DataplaneFacts | undefined, previous: DataplaneFacts | undefined): boolean {
  if (!value || !previous) return false
  return (Object.keys(value) as (keyof DataplaneFacts)[]).every(field => field === 'exchanges' || value[field] === previous[field])
}
