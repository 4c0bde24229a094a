import type { Backoff } from '../std/backoff.ts'
import type { Clock } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import type { MessageStream } from '../std/message-stream.ts'
import { version } from '../std/version.ts'
import { exposition } from './admin.ts'
import type { DataPlane } from './compile/table.ts'
import { dumpResources } from './config-dump.ts'
import type { BoundListeners } from './control/listeners.ts'
import { Control } from './control.ts'
import type { Engine } from './engine.ts'
import type { SavedState } from './saved-state.ts'

export interface BuiltInEngineOptions {
  readonly data: DataPlane
  /** `<mesh>.<name>` */
  readonly nodeId: string
  readonly service: string
  readonly instanceId: string
  /** Opens an ADS stream, as soon as the zone knows the proxy. */
  readonly connect: (signal: AbortSignal) => Promise<MessageStream>
  readonly saved: SavedState
  readonly clock: Clock
  readonly backoff: Backoff
  readonly log: Log
  readonly drainMs: number
  /** The address to bind for a listener, if it is not its own. */
  readonly bindAddress: (listener: { readonly address: string; readonly port: number }) => string
  readonly onBound: (bound: BoundListeners) => void
  /** In whose names it has to answer, by SPIFFE ID; all of them each time. */
  readonly onWanted: (spiffeIds: ReadonlySet<string>) => void
}

/** The data plane in this process. */
export function builtInEngine(options: BuiltInEngineOptions): Engine {
  const { data, saved, clock, backoff, log, nodeId, service, instanceId } = options
  const control: Control = new Control({
    data,
    node: {
      id: nodeId,
      cluster: service,
      userAgentName: 'skerry',
      userAgentVersionType: { case: 'userAgentVersion', value: version },
      metadata: { 'skerry.instance': instanceId },
    },
    connect: options.connect,
    clock,
    backoff,
    log,
    drainMs: options.drainMs,
    bindAddress: options.bindAddress,
    onBound: options.onBound,
    onWanted: options.onWanted,
    onAccepted: () => saved.saveResources(() => control.resources()),
  })
  return {
    name: 'skerry',
    get bound() {
      return control.bound
    },
    trouble: '',
    setIdentity: identity => control.setIdentity(identity),
    setWorkloadIdentity: (spiffeId, identity) => control.setWorkloadIdentity(spiffeId, identity),
    restore: async () => control.restore(await saved.loadResources()),
    start: () => control.start(),
    counters: () => data.counters(),
    stats: () => exposition(data.counters()),
    config: () => ({ bound: control.bound, ...dumpResources(control.resources()) }),
    freeze: () => control.close(),
    drain: timeoutMs => data.drain(timeoutMs),
    close: () => data.close(),
  }
}
