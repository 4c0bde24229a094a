import { isObject } from '../../model/is-object.ts'
import type { DiscoverySourceSpec } from '../../model/kinds/discovery-source.ts'
import type { FoundWorkload, Item } from '../adapter.ts'
import { itemOf } from '../found.ts'
import { type Json, numberOf, textOf, textsOf } from '../json.ts'

const states: Readonly<Record<string, FoundWorkload['state']>> = {
  UP: 'ready',
  STARTING: 'starting',
  UNKNOWN: 'starting',
  OUT_OF_SERVICE: 'draining',
  DOWN: 'unhealthy',
}

/** Every instance of every application, each once; a list of one may come as that one. Pure. */
export function instancesOf(applications: Json): readonly Json[] {
  const instances = several(applications.application).flatMap(application => several(application.instance))
  return [...new Map(instances.map(instance => [idOf(instance), instance])).values()]
}

/** As servers write it: `DOWN_1_UP_4_`. https://github.com/Netflix/eureka/wiki/Understanding-eureka-client-server-communication */
export function hashcodeOf(instances: readonly Json[]): string {
  const counts = new Map<string, number>()
  for (const { status } of instances) counts.set(String(status), (counts.get(String(status)) ?? 0) + 1)
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([status, count]) => `${status}_${count}_`)
    .join('')
}

/** Pure. */
export function translateInstance(instance: Json, spec: DiscoverySourceSpec): Item {
  const status = textOf(instance.status) ?? 'UNKNOWN'
  const state = states[status] ?? 'unhealthy'
  const port = portOf(instance.port)
  const metadata = textsOf(instance.metadata)
  return itemOf(
    { id: idOf(instance) },
    {
      name: textOf(instance.app) ?? '',
      labels: metadata,
      services: [textOf(instance.vipAddress)?.split(',')[0], textOf(instance.app)],
      address: textOf(instance.ipAddr) ?? textOf(instance.hostName),
      ports: port === undefined ? [] : [{ port, name: 'main', protocol: 'http' }],
      state,
      ...(state === 'ready' ? {} : { reason: `Eureka has it as ${status}` }),
      locality: metadata.zone === undefined ? {} : { zone: metadata.zone },
      facts: { instance: idOf(instance), host: textOf(instance.hostName) },
    },
    spec,
  )
}

/** `{"$": 8080, "@enabled": "true"}` */
function portOf(port: unknown): number | undefined {
  return isObject(port) && String(port['@enabled']) === 'true' ? numberOf(port.$) : undefined
}

function idOf({ app, instanceId, hostName }: Json): string {
  return `${textOf(app) ?? ''}/${textOf(instanceId) ?? textOf(hostName) ?? ''}`
}

function several(value: unknown): readonly Json[] {
  return (Array.isArray(value) ? value : [value]).filter(isObject)
}
