import { create, toBinary } from '@bufbuild/protobuf'
import { kumaDpMetadata } from '../../envoy/kuma-dp-bootstrap.ts'
import { identitySecret } from '../../envoy/tls.ts'
import { SecretSchema } from '../../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js'
import { admitDataplane } from '../../identity/admit-dataplane.ts'
import { exportPrivateKey, makeKeyPair } from '../../identity/keys.ts'
import type { TokenAuthority } from '../../identity/token-authority.ts'
import type { Dataplane } from '../../model/kinds/dataplane.ts'
import type { Registry } from '../../registry/registry.ts'
import { type Clock, sleep } from '../../std/clock.ts'
import type { Log } from '../../std/log.ts'
import type { MessageStream, StatusCode } from '../../std/message-stream.ts'
import { type Admission, type StreamOpening, serveDiscovery } from '../../xds/ads-server.ts'
import { encodeResource } from '../../xds/resource.ts'
import { envoyTypes, SDS } from '../../xds/resource-types.ts'
import { Snapshot } from '../../xds/snapshot.ts'
import type { Authorities } from '../authorities.ts'
import { notAllowed } from './bootstrap-answer.ts'
import type { KumaDpMembers } from './members.ts'

export const SOTW_SDS_PATH = '/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets'

interface Options {
  readonly registry: Registry
  readonly authorities: Authorities
  readonly tokens: TokenAuthority
  readonly members: KumaDpMembers
  readonly isAllowed: boolean
  readonly clock: Clock
  readonly log: Log
}

/**
 * Certificates with keys for those who cannot make their own: kuma-dp alone. A key lives as long as its certificate, in memory here and in that
 * Envoy's, and is on no disk. docs/decisions/kuma-dp.md
 */
export class ZoneMadeKeys {
  readonly #options: Options
  /** Wakes those who have a certificate that another root should replace. */
  readonly #renewals = new Set<() => void>()

  constructor(options: Options) {
    this.#options = options
  }

  /** Another CA signs now. */
  renewOutdated(): void {
    for (const wake of this.#renewals) wake()
  }

  /** Serves one Envoy its certificate until the stream ends. Never rejects. */
  async serve(stream: MessageStream): Promise<void> {
    await serveDiscovery(stream, {
      variant: 'sotw',
      types: envoyTypes,
      log: this.#options.log,
      admit: opening => this.#admit(opening, stream),
    })
  }

  async #admit({ node }: StreamOpening, stream: MessageStream): Promise<Admission> {
    const { registry, tokens, isAllowed, members, clock } = this.#options
    if (!isAllowed) return refused('PERMISSION_DENIED', `${notAllowed.code}: ${notAllowed.reason}`)
    const token = node.metadata?.[kumaDpMetadata.token]
    const verdict = await tokens.verify(typeof token === 'string' ? token : '', 'dataplane')
    if (verdict.kind === 'refused') return refused('UNAUTHENTICATED', `${verdict.code}: ${verdict.reason}`)
    const dot = node.id.indexOf('.')
    const key = { kind: 'Dataplane', mesh: node.id.slice(0, dot), name: node.id.slice(dot + 1) }
    const dataplane = registry.get<Dataplane>(key)
    if (!dataplane) return refused('NOT_FOUND', `no Dataplane ${key.name} is registered in mesh ${key.mesh}`)
    const admission = admitDataplane(verdict.claims, dataplane)
    if (admission.kind === 'refused') return refused('PERMISSION_DENIED', `${admission.code}: ${admission.reason}`)
    tokens.holdStream('dataplane', verdict.claims, stream)

    const snapshot = new Snapshot()
    const over = new AbortController()
    const sent = new Map<string, Parameters<KumaDpMembers['certified']>[2]>()
    void this.#keep(key, snapshot, sent, over.signal)
    return {
      kind: 'open',
      session: {
        snapshot,
        onAcknowledged({ versions }) {
          const certificate = sent.get(versions.get(identitySecret) ?? '')
          if (certificate) members.certified(key.mesh, key.name, { ...certificate, issuedAtMs: clock.now() })
        },
        onClose: () => over.abort(),
      },
    }
  }

  /** A new key and certificate now, at half life, and whenever another root signs. */
  async #keep(
    key: { readonly kind: string; readonly mesh: string; readonly name: string },
    snapshot: Snapshot,
    sent: Map<string, Parameters<KumaDpMembers['certified']>[2]>,
    over: AbortSignal,
  ): Promise<void> {
    const { registry, authorities, clock, log } = this.#options
    try {
      for (let issued = 1; !over.aborted; issued++) {
        const authority = await authorities.awaitAuthority(() => registry.get<Dataplane>(key), over)
        if (!authority) return
        const keys = makeKeyPair()
        const { chainPem, notAfterMs, renewAtMs } = await authority.ca.issue(authority.spiffeId, keys.publicKey)
        const resource = encodeResource(SDS, identitySecret, secret(chainPem, exportPrivateKey(keys.privateKey)))
        const root = authority.ca.fingerprint
        sent.clear()
        sent.set(resource.version, { issuedAtMs: clock.now(), notAfterMs, issuer: authority.identity, root, issued })
        snapshot.set(SDS, resource)
        const isOutdated = () => {
          const dataplane = registry.get<Dataplane>(key)
          const current = dataplane && authorities.authorityFor(dataplane)
          return !!current && (current.spiffeId !== authority.spiffeId || current.ca.fingerprint !== root)
        }
        await this.#until(isOutdated, renewAtMs - clock.now(), over)
      }
    } catch (error) {
      log.error('a certificate for a kuma-dp could not be made', { mesh: key.mesh, proxy: key.name, error })
    }
  }

  /** Resolves when `isOutdated` holds, after `ms`, or when it is over. */
  async #until(isOutdated: () => boolean, ms: number, over: AbortSignal): Promise<void> {
    const waiting = new AbortController()
    const end = () => waiting.abort()
    const look = () => {
      if (isOutdated()) end()
    }
    over.addEventListener('abort', end, { once: true })
    this.#renewals.add(look)
    try {
      look()
      await sleep(this.#options.clock, Math.max(0, ms), waiting.signal)
    } finally {
      this.#renewals.delete(look)
      over.removeEventListener('abort', end)
    }
  }
}

function secret(chain: string, key: string): Uint8Array {
  const inline = (inlineString: string) => ({ specifier: { case: 'inlineString' as const, value: inlineString } })
  const value = { certificateChain: inline(chain), privateKey: inline(key) }
  return toBinary(SecretSchema, create(SecretSchema, { name: identitySecret, type: { case: 'tlsCertificate', value } }))
}

function refused(code: StatusCode, message: string): Admission {
  return { kind: 'refused', status: { code, message } }
}
