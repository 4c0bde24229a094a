/** Who reads the resources: a field that protects one may be ignored or refused by another. */
export type ClientKind = 'skerry' | 'envoy'

/** Of what a client calls itself: `envoy` in xDS (node.user_agent_name), `envoy 1.40.0` as an agent's engine. Whatever is not Envoy is ours. */
export function clientKindOf(name: string): ClientKind {
  return name === 'envoy' || name.startsWith('envoy ') ? 'envoy' : 'skerry'
}
