import type { ProxyState } from '../derive/overview.ts'
import type { Dataplane } from '../model/kinds/dataplane.ts'
import type { Registry } from '../registry/registry.ts'
import type { ReadinessTracker } from './readiness-tracker.ts'

/** Every proxy of the zone: is it there, is it ready, and if not, what is the first thing that it lacks? */
export function proxyStates(registry: Registry, readiness: ReadinessTracker): ProxyState[] {
  return registry.list<Dataplane>('Dataplane').map(dataplane => {
    const { proxy, inbounds, zoneListeners } = readiness.of(dataplane)
    const worst = [proxy, ...inbounds.values(), ...zoneListeners.values()].find(state => state.state !== 'ready') ?? proxy
    return { dataplane, connected: readiness.isConnected(dataplane), ready: worst.state === 'ready', reason: worst.reason }
  })
}

/** How many they are, for people at global. */
export function countStates(states: readonly ProxyState[]): { total: number; connected: number; ready: number } {
  return {
    total: states.length,
    connected: states.filter(state => state.connected).length,
    ready: states.filter(state => state.ready).length,
  }
}
