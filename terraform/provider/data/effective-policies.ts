import type { Value } from '../../sdk/cty/value.ts'
import type { DataSource } from '../../sdk/provider/provider.ts'
import { isGiven } from '../../sdk/provider/schema.ts'
import type { ControlPlane } from '../client/control-plane.ts'
import { requireSuccess } from '../client/refusal.ts'

interface EffectivePolicy {
  readonly kind: string
  readonly conf?: unknown
  readonly origins: readonly { readonly kri: string }[]
  readonly fields?: readonly { readonly path: string; readonly value: unknown; readonly kri: string | null }[]
}

/** What all policies together come to for one proxy, and by whose word. */
export const effectivePolicies: DataSource<ControlPlane> = {
  description:
    'What all policies together come to for a proxy, or for one of its inbounds or outbounds, setting by setting, with the policy that set it. For checks: `terraform test` and `check` blocks can hold what a configuration promises.',
  attributes: {
    mesh: { type: 'string', optional: true, computed: true, description: 'The mesh. Default `default`.' },
    dataplane: { type: 'string', required: true, description: "The Dataplane's name, as this control plane stores it." },
    inbound: { type: 'string', optional: true, description: 'KRI of an inbound: only what is for that one.' },
    outbound: { type: 'string', optional: true, description: 'KRI of an outbound: only what is for that one.' },
    policies: {
      computed: true,
      description: 'One for each kind of policy that says something.',
      nested: {
        nesting: 'list',
        attributes: {
          kind: { type: 'string', computed: true, description: 'Kind of policy.' },
          conf: { type: 'string', computed: true, description: 'What is in force, as JSON.' },
          origins: { type: ['list', 'string'], computed: true, description: 'KRIs of the policies that have a part in it.' },
          fields: {
            computed: true,
            description: 'Every setting as it is in force, defaults included.',
            nested: {
              nesting: 'list',
              attributes: {
                path: { type: 'string', computed: true, description: 'Where it stands, such as `http.requestTimeout`.' },
                value: { type: 'string', computed: true, description: 'Its value, as JSON.' },
                kri: { type: 'string', computed: true, description: 'KRI of the policy that set it; null = a default.' },
              },
            },
          },
        },
      },
    },
  },
  validate: ({ inbound, outbound }) =>
    inbound !== null && outbound !== null
      ? [{ summary: 'Inbound or outbound', detail: 'Set at most one of inbound and outbound.', path: ['outbound'] }]
      : [],
  async read(client, config) {
    const mesh: Value = config.mesh ?? 'default'
    const proxy = `/meshes/${encodeURIComponent(String(mesh))}/dataplanes/${encodeURIComponent(String(config.dataplane))}`
    const part = isGiven(config.inbound)
      ? `/_inbounds/${encodeURIComponent(String(config.inbound))}`
      : isGiven(config.outbound)
        ? `/_outbounds/${encodeURIComponent(String(config.outbound))}`
        : ''
    const { body } = requireSuccess(await client.send('GET', `${proxy}${part}/_policies?include=fields`))
    const { policies } = body as { readonly policies: readonly EffectivePolicy[] }
    return { ...config, mesh, policies: policies.map(toValue) }
  },
}

function toValue({ kind, conf, origins, fields = [] }: EffectivePolicy): Value {
  return {
    kind,
    conf: conf === undefined ? null : JSON.stringify(conf),
    origins: origins.map(({ kri }) => kri),
    fields: fields.map(({ path, value, kri }) => ({ path, value: JSON.stringify(value), kri })),
  }
}
