import type { Message } from '../wire/protobuf.ts'
import type { Handlers } from '../wire/requests.ts'
import type { FunctionParameter, Provider, ProviderFunction } from './provider.ts'
import { type Attributes, wireSchema, wireType } from './schema.ts'

/** Neither is a deletion planned with us, nor may a resource of another type become one of ours. */
const capabilities = { plan_destroy: false, get_provider_schema_optional: true, move_resource_state: false }

/** Answers what a provider has and how it is written. */
export function describeProvider<Client>(provider: Provider<Client>): Pick<Handlers, 'GetMetadata' | 'GetProviderSchema' | 'GetFunctions'> {
  const { resources, dataSources, ephemeralResources } = provider
  const functions = mapValues(provider.functions, wireFunction)
  return {
    GetMetadata: () => ({
      server_capabilities: capabilities,
      resources: typeNames(resources),
      data_sources: typeNames(dataSources),
      ephemeral_resources: typeNames(ephemeralResources),
      functions: Object.keys(functions).map(name => ({ name })),
    }),
    GetProviderSchema: () => ({
      server_capabilities: capabilities,
      provider: wireSchema(provider.attributes, provider.description),
      resource_schemas: mapValues(resources, it => wireSchema(it.attributes, it.description, it.version)),
      data_source_schemas: mapValues(dataSources, described),
      ephemeral_resource_schemas: mapValues(ephemeralResources, described),
      functions,
    }),
    GetFunctions: () => ({ functions }),
  }
}

function described({ attributes, description }: { readonly attributes: Attributes; readonly description: string }): Message {
  return wireSchema(attributes, description)
}

function wireFunction({ summary, description, parameters, variadic, returns }: ProviderFunction): Message {
  return {
    summary,
    description,
    description_kind: 1,
    parameters: parameters.map(wireParameter),
    return: { type: wireType(returns) },
    ...(variadic === undefined ? {} : { variadic_parameter: wireParameter(variadic) }),
  }
}

function wireParameter({ name, type, description, allowNull = false }: FunctionParameter): Message {
  return { name, type: wireType(type), description, description_kind: 1, allow_null_value: allowNull }
}

function typeNames(table: object): Message[] {
  return Object.keys(table).map(type_name => ({ type_name }))
}

function mapValues<From, To>(table: { readonly [key: string]: From }, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(table).map(([key, value]) => [key, change(value)]))
}
