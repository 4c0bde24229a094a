import { pack, unpack, unpackObject } from '../cty/msgpack.ts'
import type { ObjectValue } from '../cty/value.ts'
import type { PluginLog } from '../serve/log.ts'
import type { Message } from '../wire/protobuf.ts'
import type { DynamicValue, Handlers } from '../wire/requests.ts'
import { answer, entry } from './answer.ts'
import { checkAttributes } from './check.ts'
import { describeProvider } from './describe.ts'
import { type Problem, wireDiagnostics } from './problem.ts'
import { ArgumentError, type Provider } from './provider.ts'
import { resourceHandlers } from './resource-handlers.ts'
import { type Attributes, objectType } from './schema.ts'
import { Session } from './session.ts'

/** Answers Terraform for a provider. */
export function providerHandlers<Client>(provider: Provider<Client>, log: PluginLog): Handlers {
  const session = new Session(provider)
  const { dataSources, ephemeralResources, functions } = provider
  return {
    ...describeProvider(provider),
    ...resourceHandlers(provider.resources, session, log),

    ValidateProviderConfig: ({ config }) => validate(provider, config),
    ValidateDataResourceConfig: ({ type_name, config }) => validate(entry(dataSources, type_name), config),
    ValidateEphemeralResourceConfig: ({ type_name, config }) => validate(entry(ephemeralResources, type_name), config),

    ConfigureProvider: ({ config, terraform_version }) => {
      const type = objectType(provider.attributes)
      return answer(type, log, async () => {
        await session.configure(unpackObject(type, config) ?? {}, terraform_version)
        return {}
      })
    },
    ReadDataSource: ({ type_name, config }) => {
      const source = entry(dataSources, type_name)
      const type = objectType(source.attributes)
      return answer(type, log, async () => ({
        state: pack(type, await source.read(session.require(), unpackObject(type, config) ?? {})),
      }))
    },
    OpenEphemeralResource: ({ type_name, config }) => {
      const resource = entry(ephemeralResources, type_name)
      const type = objectType(resource.attributes)
      return answer(type, log, async () => ({
        result: pack(type, await resource.open(session.require(), unpackObject(type, config) ?? {})),
      }))
    },
    // What is opened here ends by itself.
    RenewEphemeralResource: () => ({}),
    CloseEphemeralResource: () => ({}),

    CallFunction: ({ name, arguments: given }) => {
      const { parameters, variadic, returns, call } = entry(functions, name)
      try {
        const values = given.map((value, index) => unpack((parameters[index] ?? variadic)?.type ?? 'dynamic', value))
        return { result: pack(returns, call(...values)) }
      } catch (error) {
        const where = error instanceof ArgumentError ? { function_argument: error.argument } : {}
        return { error: { text: (error as Error).message, ...where } }
      }
    },
    StopProvider: () => {
      session.stop()
      return {}
    },
  }
}

interface Validated {
  readonly attributes: Attributes
  validate?(config: ObjectValue): readonly Problem[]
}

function validate(it: Validated, wire: DynamicValue): Message {
  const type = objectType(it.attributes)
  const config = unpackObject(type, wire) ?? {}
  return { diagnostics: wireDiagnostics(type, [...checkAttributes(it.attributes, config), ...(it.validate?.(config) ?? [])]) }
}
