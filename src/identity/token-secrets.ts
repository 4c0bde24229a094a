import type { Resource, ResourceKey } from '../model/resource.ts'
import type { Clock } from '../std/clock.ts'
import type { Log } from '../std/log.ts'
import { type SecretRegistry, secretText } from './kept-secret.ts'
import { noRevocations, parseRevocations, type RevocationList, revocationSecret } from './revocation-list.ts'
import { loadSigningKeys, readSigningKeys, type SigningKeys, typeOfSigningKeys } from './signing-keys.ts'
import { TokenAuthority } from './token-authority.ts'
import type { TokenType } from './token-claims.ts'
import { makeOne, makeTokenKeys, type TokenKeys } from './tokens.ts'

/** What tokens rest on is in the registry, so that replicas agree on it: their keys, and which of them are revoked. */
export interface TokenRegistry extends SecretRegistry {
  list(kind: string): readonly Resource[]
  onChange(listener: (batch: { readonly changes: readonly SecretChange[] }) => void): () => void
}

type SecretChange = { readonly kind: 'put'; readonly resource: Resource } | { readonly kind: 'delete'; readonly key: ResourceKey }

interface Options {
  /** Fingerprint of the control plane's CA. */
  readonly ca: string
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>
}

const types = ['dataplane', 'zone', 'user'] as const

/** Follows the secrets that tokens rest on: a key that is retired or a token that is revoked, on whatever replica, ends what rests on it at once. */
export async function openTokenAuthority(registry: TokenRegistry, { ca, clock, log }: Options) {
  const [dataplane, zone, user] = await Promise.all(types.map(type => loadSigningKeys(registry, type, clock)))
  const signing: Record<TokenType, SigningKeys> = { dataplane: dataplane!, zone: zone!, user: user! }
  const authority = new TokenAuthority({
    keys: keysOf(ca, signing),
    clock,
    onEnding: ({ type, subject, id, expiresMs, state }) => {
      const expires = new Date(expiresMs).toISOString()
      log.warn('a token in use ends', {
        type,
        subject,
        id,
        state,
        expires,
        fix: `without another one it cannot connect again: ${makeOne(type)}`,
      })
    },
  })
  let lists = readLists(registry)
  authority.update({ revocations: (type, mesh) => lists.get(listId(revocationSecret(type, mesh))) ?? noRevocations })

  const takeKeys = (type: TokenType, keys: SigningKeys) => {
    signing[type] = keys
    authority.update({ keys: keysOf(ca, signing) })
    log.info('signing keys changed', { type, signs: authority.signing[type].kid })
  }
  const readAgain = (type: TokenType) => {
    try {
      const keys = readSigningKeys(registry, type)
      if (keys) return takeKeys(type, keys)
    } catch (error) {
      return log.error('signing keys cannot be read: those before stay in force', { type, error })
    }
    // Deleted: whatever was signed with them ends with the first key that takes their place.
    loadSigningKeys(registry, type, clock).then(
      keys => takeKeys(type, keys),
      error => log.error('signing keys could not be made anew', { type, error }),
    )
  }
  const stop = registry.onChange(({ changes }) => {
    let isRevoking = false
    for (const change of changes) {
      const key = change.kind === 'put' ? change.resource : change.key
      if (key.kind !== 'GlobalSecret' && key.kind !== 'Secret') continue
      const type = typeOfSigningKeys(key)
      if (type) readAgain(type)
      isRevoking ||= isRevocationList(key)
    }
    if (!isRevoking) return
    lists = readLists(registry)
    authority.update({})
  })
  return { authority, stop }
}

function keysOf(ca: string, signing: Readonly<Record<TokenType, SigningKeys>>): TokenKeys {
  const current = { dataplane: signing.dataplane.current, zone: signing.zone.current, user: signing.user.current }
  return makeTokenKeys(
    ca,
    current,
    types.flatMap(type => signing[type].previous.map(pair => [type, pair] as [TokenType, typeof pair])),
  )
}

/** The lists there are, by `listId`. */
export function readLists(registry: Pick<TokenRegistry, 'list'>): ReadonlyMap<string, RevocationList> {
  const secrets = [...registry.list('GlobalSecret'), ...registry.list('Secret')].filter(isRevocationList)
  return new Map(secrets.map(secret => [listId(secret), parseRevocations(secretText(secret))]))
}

function listId({ mesh, name }: Pick<ResourceKey, 'mesh' | 'name'>): string {
  return `${mesh}/${name}`
}

function isRevocationList({ kind, mesh, name }: ResourceKey): boolean {
  if (kind === 'Secret') return name === revocationSecret('dataplane', mesh).name
  return kind === 'GlobalSecret' && (name === 'zone-token-revocations' || name === 'user-token-revocations')
}
