import { parseDurationMs } from '../../src/model/duration.ts'
import { toJson } from '../sdk/cty/json.ts'
import type { Value } from '../sdk/cty/value.ts'
import type { EphemeralResource } from '../sdk/provider/provider.ts'
import type { Attribute, Attributes } from '../sdk/provider/schema.ts'
import type { ControlPlane } from './client/control-plane.ts'
import { requireSuccess } from './client/refusal.ts'

const token: Attribute = {
  type: 'string',
  computed: true,
  sensitive: true,
  description: 'The token. It is in neither the plan nor the state.',
}

const validFor: Attribute = {
  type: 'string',
  description: 'How long it is valid, such as `24h`.',
  check: value => ((parseDurationMs(String(value)) ?? 0) > 0 ? undefined : 'must be a duration like 1h or 24h'),
}

const note =
  'Every plan and every apply makes one, so let it be short-lived where it may. Refer to the `id` of what it is for, not to its name: the token is then made after that.'

/** Tokens that go straight into a cloud's secret store, through an attribute that is only written. */
export const ephemeralTokens: { readonly [type: string]: EphemeralResource<ControlPlane> } = {
  skerry_zone_token: tokenResource('/tokens/zone', `A token with which a zone connects to the global control plane. ${note}`, {
    zone: { type: 'string', required: true, description: 'Name of the zone.' },
    scope: { type: ['list', 'string'], optional: true, description: 'What the token is good for; all where nothing is set.' },
    valid_for: { ...validFor, optional: true },
  }),
  skerry_workload_token: tokenResource('/tokens/dataplane', `A token with which the proxies of a workload register in a zone. ${note}`, {
    mesh: { type: 'string', optional: true, description: 'The mesh. Default `default`.' },
    zone: {
      type: 'string',
      optional: true,
      description: 'Where `endpoint` is the global control plane: the zone that the proxies join, which makes the token.',
    },
    workload: { type: 'string', optional: true, description: 'The only workload that they may be.' },
    name: { type: 'string', optional: true, description: 'The only name that the Dataplane may have.' },
    type: {
      type: 'string',
      optional: true,
      description: '`ingress` is a gateway of the zone, and only that; `dataplane`, the default, is anything else.',
      check: value => (value === 'dataplane' || value === 'ingress' ? undefined : 'must be dataplane or ingress'),
    },
    tags: {
      type: ['map', ['list', 'string']],
      optional: true,
      description: 'Labels that the Dataplane must carry, each with one of these values.',
    },
    valid_for: { ...validFor, optional: true },
  }),
  skerry_user_token: tokenResource('/tokens/user', `A token for a person or a program that uses the API. ${note}`, {
    name: { type: 'string', required: true, description: 'Who it is.' },
    groups: { type: ['list', 'string'], optional: true, description: 'The groups that he is in.' },
    valid_for: { ...validFor, required: true },
  }),
}

function tokenResource(path: string, description: string, attributes: Attributes): EphemeralResource<ControlPlane> {
  return {
    description,
    attributes: { ...attributes, token },
    async open(client, config) {
      const { token: _, valid_for, ...given } = config
      const wanted: { readonly [name: string]: Value } = {
        ...given,
        ...('mesh' in attributes ? { mesh: config.mesh ?? 'default' } : {}),
        validFor: valid_for ?? null,
      }
      const find = (field: readonly (string | number)[]) => [field[0] === 'validFor' ? 'valid_for' : (field[0] ?? '')]
      const { body } = requireSuccess(await client.send('POST', path, { body: toJson(wanted) }), find)
      return { ...config, token: String(body).trim() }
    },
  }
}
