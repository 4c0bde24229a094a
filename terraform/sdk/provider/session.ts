import { hasUnknown, type ObjectValue } from '../cty/value.ts'
import { ProviderError } from './problem.ts'
import type { Provider } from './provider.ts'

/** What a provider was configured to, for as long as Terraform uses it. */
export class Session<Client> {
  readonly #provider: Provider<Client>
  #stop = new AbortController()
  #client: Client | undefined

  constructor(provider: Provider<Client>) {
    this.#provider = provider
  }

  /** A configuration with unknown values (of a control plane that this very plan makes) leaves the provider without a client. */
  async configure(config: ObjectValue, terraformVersion: string): Promise<void> {
    this.#client = undefined
    if (this.#stop.signal.aborted) this.#stop = new AbortController()
    if (hasUnknown(config)) return
    this.#client = await this.#provider.configure(config, { terraformVersion, signal: this.#stop.signal })
  }

  get client(): Client | undefined {
    return this.#client
  }

  /** The client, for what cannot be done without. */
  require(): Client {
    if (this.#client !== undefined) return this.#client
    throw new ProviderError({
      summary: 'The provider is not configured',
      detail:
        'Its configuration depends on values that are known only after apply. Apply what they come from first (terraform apply -target=...).',
    })
  }

  stop(): void {
    this.#stop.abort(new ProviderError({ summary: 'Stopped', detail: 'Terraform was asked to stop.' }))
  }
}
