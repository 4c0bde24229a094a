import { join } from 'node:path'
import { fromBinary } from '@bufbuild/protobuf'
import { DeltaDiscoveryResponseSchema } from '../gen/envoy/service/discovery/v3/discovery_pb.js'
import type { Clock, Timer } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import { anyBytes, bytesField, concatBytes, stringField } from '../std/wire.ts'
import type { HeldIdentity } from './certificates.ts'
import type { AcceptedResource } from './control.ts'
import { readSealed, seal, writeDurably } from './durable-file.ts'

/** Endpoints change often; what was written less than this ago is new enough for a proxy that has lost its zone. */
const writeEveryMs = 500

export interface SavedStateOptions {
  readonly directory: string
  /** `<mesh>.<name>`: nobody else's state is loaded. */
  readonly owner: string
  readonly clock: Clock
  readonly log: Log
}

/**
 * What a proxy needs to serve before, or without, its zone: `config.state`, the resources it accepted last (a DeltaDiscoveryResponse),
 * and `identity.state`, its certificate with the key, which never leaves this machine; a zone gateway besides `workloads.state`, the same of
 * those in whose names it answers.
 */
export class SavedState {
  readonly #options: SavedStateOptions
  readonly #configPath: string
  readonly #identityPath: string
  readonly #workloadsPath: string
  #resources: (() => readonly AcceptedResource[]) | null = null
  #workloads: ReadonlyMap<string, HeldIdentity> | null = null
  #timer: Timer | null = null
  #writing: Promise<void> = Promise.resolve()

  constructor(options: SavedStateOptions) {
    this.#options = options
    this.#configPath = join(options.directory, 'config.state')
    this.#identityPath = join(options.directory, 'identity.state')
    this.#workloadsPath = join(options.directory, 'workloads.state')
  }

  async loadResources(): Promise<readonly AcceptedResource[]> {
    const body = await this.#read(this.#configPath)
    if (body === null) return []
    return fromBinary(DeltaDiscoveryResponseSchema, body).resources.map(({ name, version, resource }) => ({
      typeUrl: resource?.typeUrl ?? '',
      name,
      version,
      value: resource?.value ?? new Uint8Array(),
    }))
  }

  /** null = none, or one that is no longer valid. */
  async loadIdentity(): Promise<HeldIdentity | null> {
    const body = await this.#read(this.#identityPath)
    const identity = body === null ? null : (JSON.parse(body.toString()) as HeldIdentity)
    return identity !== null && identity.notAfterMs > this.#options.clock.now() ? identity : null
  }

  /** Those of workloads without a proxy that are still valid, by SPIFFE ID. */
  async loadWorkloads(): Promise<ReadonlyMap<string, HeldIdentity>> {
    const body = await this.#read(this.#workloadsPath)
    const saved = body === null ? [] : (JSON.parse(body.toString()) as [string, HeldIdentity][])
    const now = this.#options.clock.now()
    return new Map(saved.filter(([, identity]) => identity.notAfterMs > now))
  }

  /** Soon; of many changes the last is written. */
  saveWorkloads(identities: ReadonlyMap<string, HeldIdentity>): void {
    this.#workloads = identities
    this.#flushSoon()
  }

  saveIdentity(identity: HeldIdentity): Promise<void> {
    return this.#write(this.#identityPath, Buffer.from(JSON.stringify(identity)))
  }

  /** Soon; of many changes the last is written. */
  saveResources(resources: () => readonly AcceptedResource[]): void {
    this.#resources = resources
    this.#flushSoon()
  }

  #flushSoon(): void {
    this.#timer ??= this.#options.clock.setTimeout(() => {
      this.#timer = null
      void this.#flush()
    }, writeEveryMs)
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = null
    await this.#flush()
  }

  #flush(): Promise<void> {
    const [resources, workloads] = [this.#resources, this.#workloads]
    this.#resources = null
    this.#workloads = null
    if (workloads !== null) void this.#write(this.#workloadsPath, Buffer.from(JSON.stringify([...workloads])))
    return resources === null ? this.#writing : this.#write(this.#configPath, encode(resources()))
  }

  /** One write after the other: two of one file would share its temporary name. */
  #write(path: string, body: Uint8Array): Promise<void> {
    const { owner, log } = this.#options
    this.#writing = this.#writing
      .then(() => writeDurably(path, seal(owner, body)))
      .catch(error => log.error('state could not be saved: without its zone this proxy would not survive a restart', { path, error }))
    return this.#writing
  }

  async #read(path: string): Promise<Buffer | null> {
    const read = await readSealed(path, this.#options.owner)
    switch (read.kind) {
      case 'ok':
        return read.body
      case 'absent':
        return null
      case 'unusable':
        this.#options.log.warn('saved state was left out', { path, reason: read.reason })
        return null
    }
  }
}

/** DeltaDiscoveryResponse{ resources = 2: Resource{ version = 1, resource = 2: Any, name = 3 } } */
function encode(resources: readonly AcceptedResource[]): Uint8Array {
  return concatBytes(
    resources.map(({ typeUrl, name, version, value }) =>
      bytesField(2, concatBytes([stringField(1, version), bytesField(2, anyBytes(typeUrl, value)), stringField(3, name)])),
    ),
  )
}
