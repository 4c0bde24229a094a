import { resourceTypeOf, typedKinds } from '../../src/convert/terraform/kind-names.ts'
import { providerHandlers } from '../sdk/provider/handlers.ts'
import type { Provider, Resource } from '../sdk/provider/provider.ts'
import { type PluginLog, silentPluginLog } from '../sdk/serve/log.ts'
import type { Handlers } from '../sdk/wire/requests.ts'
import type { ControlPlane } from './client/control-plane.ts'
import { dashboardDataSources } from './data/dashboard.ts'
import { effectivePolicies } from './data/effective-policies.ts'
import { trustBundle } from './data/trust-bundle.ts'
import { ephemeralTokens } from './ephemeral-tokens.ts'
import { functions } from './functions.ts'
import { anyKind } from './resources/any-kind.ts'
import { kindCodec } from './resources/kind-codec.ts'
import { managedResource } from './resources/managed-resource.ts'
import { globalSecret, meshSecret } from './resources/secret.ts'
import { workload } from './resources/workload.ts'
import { configure, type Environment, settings } from './settings.ts'

/** Where the provider is found: `source = "skerry/skerry"`. */
export const providerSource = 'registry.terraform.io/skerry/skerry'

const typedResources: Readonly<Record<string, Resource<ControlPlane>>> = Object.fromEntries(
  typedKinds.map(kind => [resourceTypeOf(kind.kind), managedResource(kindCodec(kind))]),
)

/** All that Terraform gets to see. What a provider block leaves open, `environment` says. */
export const skerryProvider = (environment: Environment): Provider<ControlPlane> => ({
  description: 'Meshes, zones, policies and workloads of Skerry, a service registry, discovery mesh and API gateway for several clouds.',
  attributes: settings,
  configure: (config, context) => configure(config, context, environment),
  resources: {
    ...typedResources,
    skerry_resource: managedResource(anyKind),
    skerry_secret: managedResource(meshSecret),
    skerry_global_secret: managedResource(globalSecret),
    skerry_workload: managedResource(workload),
  },
  dataSources: {
    ...dashboardDataSources,
    skerry_effective_policies: effectivePolicies,
    skerry_trust_bundle: trustBundle,
  },
  ephemeralResources: ephemeralTokens,
  functions,
})

export function skerryHandlers(environment: Environment = {}, log: PluginLog = silentPluginLog): Handlers {
  return providerHandlers(skerryProvider(environment), log)
}
