import type { Node } from '../gen/envoy/config/core/v3/base_pb.js'

/** A proxy that reads Envoy's vocabulary: ours, and Envoy itself. A field that protects one may be ignored or refused by the other. */
export type ClientKind = 'skerry' | 'envoy'

/** … and an application with gRPC's own xDS client in it, which takes few of Envoy's words, and those in a form of its own (`grpc/`). */
export type DataPlaneKind = ClientKind | 'grpc'

/**
 * Of what a client calls itself: `envoy` or `gRPC C-core linux` in xDS (node.user_agent_name); `envoy 1.40.0`, `kuma-dp 3.0.1` or `grpc` as the
 * engine of an agent. Whatever is neither Envoy nor gRPC is ours.
 */
export function dataPlaneOf(name: string): DataPlaneKind {
  if (/^(envoy|kuma-dp)( |$)/.test(name)) return 'envoy'
  return /^grpc( |$)/i.test(name) ? 'grpc' : 'skerry'
}

/** What the process beside a gRPC application calls itself: of the configuration it wants the trust bundles alone. */
export const companionAgent = 'skerry beside grpc'

/** An Envoy's version, `1.40.0`, in what it calls itself as an engine; null = it says none. */
export function envoyVersionIn(engine: string): string | null {
  return /(?:^|[ ])envoy (\d+\.\d+\.\d+)/.exec(engine)?.[1] ?? null
}

/** The first Envoy that takes virtual hosts over ADS; one before it would refuse the routes that promise them. */
const virtualHostsOverAds = [1, 37] as const

/** Can it learn hosts when they are first asked for? */
export function learnsHosts(engine: string): boolean {
  const [major = 0, minor = 0] = (envoyVersionIn(engine) ?? '').split('.').map(Number)
  if (dataPlaneOf(engine) !== 'envoy' || envoyVersionIn(engine) === null) return true
  return major > virtualHostsOverAds[0] || (major === virtualHostsOverAds[0] && minor >= virtualHostsOverAds[1])
}

/** What a client of xDS calls itself, as agents write it: `envoy 1.40.0`. */
export function engineOf({ userAgentName, userAgentVersionType: said }: Node): string {
  const build = said.case === 'userAgentBuildVersion' ? said.value.version : undefined
  return build ? `${userAgentName} ${build.majorNumber}.${build.minorNumber}.${build.patch}` : userAgentName
}
