import { X509Certificate } from 'node:crypto'
import { mkdir, mkdtemp, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { identityFiles } from '../../envoy/grpc/bootstrap.ts'
import { certificatesOf } from '../../identity/fingerprint.ts'
import type { IdentityMaterial, TrustTable } from '../compile/table.ts'

/**
 * A certificate with its key, and whom to believe, as files for somebody else's program. The path is a link to a directory, and is
 * moved to the next one in one step: nobody reads a certificate of one generation beside the key of another.
 */
export class IdentityFiles {
  readonly #path: string
  #identity: IdentityMaterial | null = null
  #trust: TrustTable | null = null
  #writing: Promise<void> = Promise.resolve()
  #isWritten = false

  /** @param path absolute, in a directory of this user's */
  constructor(path: string) {
    this.#path = path
  }

  /** Is there something to read? */
  get isWritten(): boolean {
    return this.#isWritten
  }

  /** Believes what was believed last, until told otherwise. */
  async restore(): Promise<void> {
    const bundles = await readFile(join(this.#path, identityFiles.bundles), 'utf8').catch(() => null)
    this.#trust = bundles === null ? null : parseBundles(bundles)
  }

  /** Resolves when it is there to be read; at once while nothing is known of whom to believe. */
  setIdentity(identity: IdentityMaterial): Promise<void> {
    this.#identity = identity
    return this.#write()
  }

  /** … while there is no certificate. */
  setTrust(trust: TrustTable): Promise<void> {
    this.#trust = trust
    return this.#write()
  }

  /** One after the other: the last one counts. */
  #write(): Promise<void> {
    this.#writing = this.#writing.catch(() => {}).then(() => this.#writeNow())
    return this.#writing
  }

  async #writeNow(): Promise<void> {
    if (this.#identity === null || this.#trust === null) return
    const parent = dirname(this.#path)
    await mkdir(parent, { recursive: true, mode: 0o700 })
    const next = await mkdtemp(`${this.#path}-`)
    const { chainPem, keyPem } = this.#identity
    const contents = {
      [identityFiles.chain]: chainPem,
      [identityFiles.key]: keyPem,
      [identityFiles.roots]: [...this.#trust.values()].flat().join('\n'),
      [identityFiles.bundles]: formatBundles(this.#trust),
    }
    for (const [name, text] of Object.entries(contents)) await writeFile(join(next, name), text, { mode: 0o600 })
    const before = await readlink(this.#path).catch(() => null)
    await symlink(basename(next), `${next}.link`)
    await rename(`${next}.link`, this.#path)
    this.#isWritten = true
    if (before !== null) await rm(join(parent, before), { recursive: true, force: true })
  }
}

/** https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE_Trust_Domain_and_Bundle.md#4-spiffe-bundle-format, one for each trust domain. */
export function formatBundles(trust: TrustTable): string {
  const domains = [...trust].map(([domain, pems]) => [domain, { spiffe_sequence: 1, keys: pems.flatMap(keysOf) }])
  return JSON.stringify({ trust_domains: Object.fromEntries(domains) }, null, 2)
}

function keysOf(pem: string): object[] {
  return certificatesOf(pem).map(certificate => ({
    ...certificate.publicKey.export({ format: 'jwk' }),
    use: 'x509-svid',
    x5c: [certificate.raw.toString('base64')],
  }))
}

/** null = it is not what `formatBundles` makes. */
export function parseBundles(text: string): TrustTable | null {
  try {
    const { trust_domains } = JSON.parse(text) as { trust_domains: Record<string, { keys: { x5c: string[] }[] }> }
    const pem = (der: string) => new X509Certificate(Buffer.from(der, 'base64')).toString()
    return new Map(Object.entries(trust_domains).map(([domain, { keys }]) => [domain, keys.flatMap(({ x5c }) => x5c.map(pem))]))
  } catch {
    return null
  }
}
