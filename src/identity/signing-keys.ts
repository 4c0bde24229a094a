import type { Resource } from '../model/resource.ts'
import type { Clock } from '../std/clock.ts'
import { loadOrCreateSecret, type SecretRegistry, secretDraft, secretText } from './kept-secret.ts'
import { exportPrivateKey, importPrivateKey, type KeyPair, makeKeyPair } from './keys.ts'
import type { TokenType } from './token-claims.ts'
import { kidFor } from './tokens.ts'

/** The keys of one type of token, as a secret keeps them. */
export interface SigningKeys {
  readonly current: KeyPair
  /** Sign no more; what they signed holds to its end, or until they are retired. */
  readonly previous: readonly KeyPair[]
}

export class SigningKeyError extends Error {
  override name = 'SigningKeyError'
  readonly code: 'SKERRY_SIGNING_KEY_UNREADABLE' | 'SKERRY_SIGNING_KEY_UNKNOWN' | 'SKERRY_SIGNING_KEY_IN_USE'
  constructor(code: SigningKeyError['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** More than anybody rotates within the life of a token; each is tried against no token but its own. */
const MOST_KEYS = 20

export function signingKeySecret(type: TokenType): string {
  return `${type}-token-signing-keys`
}

/** The type of token whose signing keys this resource holds. */
export function typeOfSigningKeys({ kind, name }: Pick<Resource, 'kind' | 'name'>): TokenType | undefined {
  if (kind !== 'GlobalSecret') return undefined
  return (['dataplane', 'zone', 'user'] as const).find(type => signingKeySecret(type) === name)
}

/** One secret a type of token: private keys in PEM, the one in use first. The first replica makes it. */
export async function loadSigningKeys(registry: SecretRegistry, type: TokenType, clock: Clock): Promise<SigningKeys> {
  const name = signingKeySecret(type)
  return parse(type, await loadOrCreateSecret(registry, { mesh: '', name }, async () => exportPrivateKey(makeKeyPair().privateKey), clock))
}

/** The keys as they are in the registry; undefined when they are not. Throws SigningKeyError. */
export function readSigningKeys(registry: Pick<SecretRegistry, 'get'>, type: TokenType): SigningKeys | undefined {
  const kept = registry.get(keyOf(type))
  return kept && parse(type, secretText(kept))
}

/** A new key signs from now on; what the others signed holds on. Resolves to the new key's id. */
export async function rotateSigningKey(registry: SecretRegistry, type: TokenType): Promise<string> {
  const { keys, revision } = now(registry, type)
  const made = makeKeyPair()
  await write(registry, type, [made, keys.current, ...keys.previous].slice(0, MOST_KEYS), revision)
  return kidFor(type, made)
}

/** Forgets a key: all that it signed ends at once. The one that signs cannot be retired before another one does. */
export async function retireSigningKey(registry: SecretRegistry, type: TokenType, kid: string): Promise<void> {
  const { keys, revision } = now(registry, type)
  if (kidFor(type, keys.current) === kid) {
    throw new SigningKeyError(
      'SKERRY_SIGNING_KEY_IN_USE',
      `${kid} signs ${type} tokens now: rotate first (\`skerry token keys rotate ${type}\`)`,
    )
  }
  const left = keys.previous.filter(pair => kidFor(type, pair) !== kid)
  if (left.length === keys.previous.length) {
    throw new SigningKeyError(
      'SKERRY_SIGNING_KEY_UNKNOWN',
      `there is no key ${kid} of ${type} tokens: \`skerry token keys list\` lists them`,
    )
  }
  await write(registry, type, [keys.current, ...left], revision)
}

function now(registry: SecretRegistry, type: TokenType) {
  const kept = registry.get(keyOf(type))
  if (!kept) throw new SigningKeyError('SKERRY_SIGNING_KEY_UNKNOWN', `there are no keys of ${type} tokens here`)
  return { keys: parse(type, secretText(kept)), revision: kept.revision }
}

async function write(registry: SecretRegistry, type: TokenType, pairs: readonly KeyPair[], revision: number): Promise<void> {
  const text = pairs.map(({ privateKey }) => exportPrivateKey(privateKey)).join('')
  await registry.commit([{ kind: 'put', draft: secretDraft(keyOf(type), text), expect: revision }])
}

function keyOf(type: TokenType) {
  return { kind: 'GlobalSecret', mesh: '', name: signingKeySecret(type) }
}

const PRIVATE_KEY = /-----BEGIN PRIVATE KEY-----[\s\S]+?-----END PRIVATE KEY-----/g

function parse(type: TokenType, pem: string): SigningKeys {
  const [current, ...previous] = (pem.match(PRIVATE_KEY) ?? []).map(importPrivateKey)
  if (current) return { current, previous }
  throw new SigningKeyError(
    'SKERRY_SIGNING_KEY_UNREADABLE',
    `the GlobalSecret ${signingKeySecret(type)} holds no private key in PEM: restore it from a backup, or delete it (tokens made so far end with it)`,
  )
}
