import { durationMs, parseDurationMs } from '../../src/model/duration.ts'
import type { ObjectValue, Value } from '../sdk/cty/value.ts'
import { ProviderError } from '../sdk/provider/problem.ts'
import type { ConfigureContext } from '../sdk/provider/provider.ts'
import { type Attributes, isGiven } from '../sdk/provider/schema.ts'
import { ControlPlane } from './client/control-plane.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** The arguments of `provider "skerry"`. Each may stand in a variable of the environment instead. */
export const settings: Attributes = {
  endpoint: {
    type: 'string',
    optional: true,
    description: "Address of the control plane's API, such as `https://mesh.example.com:5682`. Environment: `SKERRY_ENDPOINT`.",
    check: value => (URL.canParse(String(value)) && /^https?:/.test(String(value)) ? undefined : 'must be an http or https URL'),
  },
  token: {
    type: 'string',
    optional: true,
    sensitive: true,
    description: 'Token of a user (`skerry token user`). Environment: `SKERRY_TOKEN`.',
    check: value => (/^[\x21-\x7e]+$/.test(String(value)) ? undefined : 'must be one line of letters and digits'),
  },
  ca_certificate: {
    type: 'string',
    optional: true,
    description:
      "PEM of the authority that signed the control plane's certificate. Without it the fingerprint in the token decides, then the system. Environment: `SKERRY_CA_CERTIFICATE`.",
    check: value =>
      String(value).includes('-----BEGIN CERTIFICATE-----') ? undefined : 'must be a certificate in PEM: write it with file("ca.pem")',
  },
  insecure: {
    type: 'bool',
    optional: true,
    description:
      'Take any certificate. Only for trying things out: whoever stands in between reads the token. Environment: `SKERRY_INSECURE`.',
  },
  timeout: {
    type: 'string',
    optional: true,
    description: 'How long a request may take; `30s` where nothing is set. Environment: `SKERRY_TIMEOUT`.',
    check: value => ((parseDurationMs(String(value)) ?? 0) > 0 ? undefined : 'must be a duration like 30s or 1m'),
  },
  retries: {
    type: 'number',
    optional: true,
    description:
      'How often a request is repeated that the control plane had no time for (429, 503); 5 where nothing is set. Environment: `SKERRY_RETRIES`.',
    check: value =>
      Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 100 ? undefined : 'must be a whole number from 0 to 100',
  },
}

/** The control plane that a configuration names; what it leaves open, the environment says. */
export function configure(config: ObjectValue, { signal }: ConfigureContext, environment: Environment): ControlPlane {
  const setting = (name: string): string | undefined => {
    const value: Value = config[name] ?? null
    const variable = `SKERRY_${name.toUpperCase()}`
    if (isGiven(value)) return String(value)
    const text = environment[variable]
    if (text === undefined || text === '') return undefined
    const reason = settings[name]?.check?.(name === 'retries' ? Number(text) : text)
    if (reason !== undefined) throw new ProviderError({ summary: `Invalid ${variable}`, detail: reason })
    return text
  }
  const endpoint = setting('endpoint')
  if (endpoint === undefined) {
    throw new ProviderError({
      summary: 'No control plane',
      detail: 'Set endpoint in the provider block, or SKERRY_ENDPOINT.',
      path: ['endpoint'],
    })
  }
  return new ControlPlane({
    endpoint: new URL(endpoint),
    token: setting('token'),
    caCertificate: setting('ca_certificate'),
    isInsecure: setting('insecure') === 'true',
    timeoutMs: durationMs(setting('timeout') ?? '30s'),
    retries: Number(setting('retries') ?? 5),
    signal,
  })
}
