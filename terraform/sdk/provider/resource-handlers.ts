import { sameValue } from '../cty/compare.ts'
import { parseJson, valueFromJson } from '../cty/json.ts'
import { pack, unpackObject } from '../cty/msgpack.ts'
import { isObjectValue, type ObjectValue } from '../cty/value.ts'
import type { PluginLog } from '../serve/log.ts'
import type { Message } from '../wire/protobuf.ts'
import type { Handlers } from '../wire/requests.ts'
import { answer, entry } from './answer.ts'
import { checkAttributes, checkWriteOnly } from './check.ts'
import { planChange } from './plan.ts'
import { ProviderError, problemsOf, wireDiagnostics } from './problem.ts'
import type { Resource } from './provider.ts'
import { emptyObject, objectType } from './schema.ts'
import type { Session } from './session.ts'

type ResourceCall =
  | 'ValidateResourceConfig'
  | 'UpgradeResourceState'
  | 'ReadResource'
  | 'PlanResourceChange'
  | 'ApplyResourceChange'
  | 'ImportResourceState'

/** Answers what Terraform asks of resources. */
export function resourceHandlers<Client>(
  resources: { readonly [type: string]: Resource<Client> },
  session: Session<Client>,
  log: PluginLog,
): Pick<Handlers, ResourceCall> {
  const find = (name: string) => {
    const resource = entry(resources, name)
    return { resource, type: objectType(resource.attributes) }
  }
  return {
    ValidateResourceConfig: ({ type_name, config: wire, client_capabilities }) => {
      const { resource, type } = find(type_name)
      const config = unpackObject(type, wire) ?? {}
      const mayWriteOnly = client_capabilities?.write_only_attributes_allowed === true
      const problems = [
        ...checkAttributes(resource.attributes, config),
        ...checkWriteOnly(resource.attributes, config, mayWriteOnly),
        ...(resource.validate?.(config) ?? []),
      ]
      return { diagnostics: wireDiagnostics(type, problems) }
    },

    UpgradeResourceState: ({ type_name, version, raw_state }) => {
      const { resource, type } = find(type_name)
      return answer(type, log, async () => {
        const kept = parseJson(Buffer.from(raw_state.json).toString()) as Record<string, unknown>
        const state = version < (resource.version ?? 0) && resource.upgrade ? resource.upgrade(version, kept) : kept
        return { upgraded_state: pack(type, valueFromJson(type, state as never)) }
      })
    },

    ReadResource: ({ type_name, current_state, private: kept }) => {
      const { resource, type } = find(type_name)
      return answer(type, log, async () => {
        const state = unpackObject(type, current_state) ?? {}
        return { new_state: pack(type, await resource.read(session.require(), state)), private: kept }
      })
    },

    PlanResourceChange: request => {
      const { resource, type } = find(request.type_name)
      return answer(type, log, async () => {
        const proposed = unpackObject(type, request.proposed_new_state)
        // A deletion.
        if (proposed === null) return { planned_state: pack(type, null), planned_private: request.prior_private }
        const prior = unpackObject(type, request.prior_state)
        const config = unpackObject(type, request.config) ?? {}
        const { planned, replaces } = planChange(resource.attributes, config, prior, proposed)
        const reviewed: Message = {
          planned_state: pack(type, planned),
          requires_replace: replaces.map(name => ({ steps: [{ attribute_name: name }] })),
          planned_private: request.prior_private,
        }
        if (session.client === undefined || resource.review === undefined || sameValue(type, planned, prior)) return reviewed
        const problems = await resource.review(session.client, planned, replaces.length > 0 ? null : prior)
        return { ...reviewed, diagnostics: wireDiagnostics(type, problems) }
      })
    },

    ApplyResourceChange: async request => {
      const { resource, type } = find(request.type_name)
      const prior = unpackObject(type, request.prior_state)
      const planned = unpackObject(type, request.planned_state)
      try {
        const client = session.require()
        const state = await apply(resource, client, prior, planned, unpackObject(type, request.config) ?? {})
        return { new_state: pack(type, state), private: request.planned_private }
      } catch (error) {
        if (!(error instanceof ProviderError)) log('error', 'apply failed', { stack: (error as Error).stack })
        // Without the state as it was, Terraform would forget the object.
        return { new_state: pack(type, prior), private: request.planned_private, diagnostics: wireDiagnostics(type, problemsOf(error)) }
      }
    },

    ImportResourceState: ({ type_name, id }) => {
      const { resource, type } = find(type_name)
      return answer(type, log, async () => {
        if (resource.import === undefined) throw new ProviderError({ summary: `${type_name} cannot be imported` })
        const state = emptyObject(resource.attributes, resource.import(id))
        return { imported_resources: [{ type_name, state: pack(type, state) }] }
      })
    },
  }
}

async function apply<Client>(
  resource: Resource<Client>,
  client: Client,
  prior: ObjectValue | null,
  planned: ObjectValue | null,
  config: ObjectValue,
): Promise<ObjectValue | null> {
  if (planned === null) {
    if (isObjectValue(prior)) await resource.delete(client, prior)
    return null
  }
  if (prior === null) return resource.create(client, planned, config)
  if (resource.update === undefined) throw new ProviderError({ summary: 'This resource cannot be changed, only replaced' })
  return resource.update(client, planned, prior, config)
}
