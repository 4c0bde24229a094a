import type { Message } from './protobuf.ts'

/** A value on the wire; whoever sends it fills in one of the two. */
export interface DynamicValue {
  readonly msgpack?: Uint8Array
  readonly json?: Uint8Array
}

export interface PathStep {
  readonly attribute_name?: string
  readonly element_key_string?: string
  readonly element_key_int?: number
}

export interface WireDiagnostic {
  /** 1 = error, 2 = warning. */
  readonly severity: 1 | 2
  readonly summary: string
  readonly detail?: string
  readonly attribute?: { readonly steps: readonly PathStep[] }
}

interface TypeAndConfig {
  readonly type_name: string
  readonly config: DynamicValue
  readonly client_capabilities?: { readonly write_only_attributes_allowed: boolean; readonly deferral_allowed: boolean }
}

interface OpenedEphemeralResource {
  readonly type_name: string
  readonly private?: Uint8Array
}

/** What Terraform asks, by the name of the call. */
export interface Requests {
  readonly GetMetadata: Message
  readonly GetProviderSchema: Message
  readonly ValidateProviderConfig: { readonly config: DynamicValue }
  readonly ValidateResourceConfig: TypeAndConfig
  readonly ValidateDataResourceConfig: TypeAndConfig
  readonly ValidateEphemeralResourceConfig: TypeAndConfig
  readonly UpgradeResourceState: { readonly type_name: string; readonly version: number; readonly raw_state: { readonly json: Uint8Array } }
  readonly ConfigureProvider: { readonly terraform_version: string; readonly config: DynamicValue }
  readonly ReadResource: { readonly type_name: string; readonly current_state: DynamicValue; readonly private: Uint8Array }
  readonly PlanResourceChange: {
    readonly type_name: string
    readonly prior_state: DynamicValue
    readonly proposed_new_state: DynamicValue
    readonly config: DynamicValue
    readonly prior_private: Uint8Array
  }
  readonly ApplyResourceChange: {
    readonly type_name: string
    readonly prior_state: DynamicValue
    readonly planned_state: DynamicValue
    readonly config: DynamicValue
    readonly planned_private: Uint8Array
  }
  readonly ImportResourceState: { readonly type_name: string; readonly id: string }
  readonly ReadDataSource: TypeAndConfig
  readonly OpenEphemeralResource: TypeAndConfig
  readonly RenewEphemeralResource: OpenedEphemeralResource
  readonly CloseEphemeralResource: OpenedEphemeralResource
  readonly GetFunctions: Message
  readonly CallFunction: { readonly name: string; readonly arguments: readonly DynamicValue[] }
  readonly StopProvider: Message
}

/** What answers Terraform. A call that is left out is answered UNIMPLEMENTED. */
export type Handlers = { readonly [Call in keyof Requests]?: (request: Requests[Call]) => Message | Promise<Message> }

/** The names of the messages of each call: what is asked, what is answered. */
export const calls: { readonly [Call in keyof Requests]: readonly [request: string, response: string] } = {
  GetMetadata: ['Empty', 'GetMetadata.Response'],
  GetProviderSchema: ['Empty', 'GetProviderSchema.Response'],
  ValidateProviderConfig: ['ValidateProviderConfig.Request', 'ValidateProviderConfig.Response'],
  ValidateResourceConfig: ['TypeAndConfig.Request', 'Diagnostics.Response'],
  ValidateDataResourceConfig: ['TypeAndConfig.Request', 'Diagnostics.Response'],
  ValidateEphemeralResourceConfig: ['TypeAndConfig.Request', 'Diagnostics.Response'],
  UpgradeResourceState: ['UpgradeResourceState.Request', 'UpgradeResourceState.Response'],
  ConfigureProvider: ['ConfigureProvider.Request', 'Diagnostics.Response'],
  ReadResource: ['ReadResource.Request', 'ReadResource.Response'],
  PlanResourceChange: ['PlanResourceChange.Request', 'PlanResourceChange.Response'],
  ApplyResourceChange: ['ApplyResourceChange.Request', 'ApplyResourceChange.Response'],
  ImportResourceState: ['ImportResourceState.Request', 'ImportResourceState.Response'],
  ReadDataSource: ['ReadDataSource.Request', 'ReadDataSource.Response'],
  OpenEphemeralResource: ['TypeAndConfig.Request', 'OpenEphemeralResource.Response'],
  RenewEphemeralResource: ['OpenedEphemeralResource.Request', 'RenewEphemeralResource.Response'],
  CloseEphemeralResource: ['OpenedEphemeralResource.Request', 'Diagnostics.Response'],
  GetFunctions: ['Empty', 'GetFunctions.Response'],
  CallFunction: ['CallFunction.Request', 'CallFunction.Response'],
  StopProvider: ['Empty', 'StopProvider.Response'],
}
