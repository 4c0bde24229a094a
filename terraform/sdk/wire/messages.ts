/**
 * The messages of Terraform's plugin protocol 6 (6.8 and whatever adds to it) and of go-plugin, in a notation of our own: names and field
 * numbers are what both sides agree on. https://developer.hashicorp.com/terraform/plugin/terraform-plugin-protocol
 *
 *     name:type=N    one        name:[type]=N  repeated        name:{type}=N  map<string, type>
 *
 * Scalars: `s` string, `x` bytes, `b` bool, `i` int64 or enum; `?` after the type keeps apart absent and zero.
 */
const notation = `
Empty
DynamicValue msgpack:x=1 json:x=2
Step attribute_name:s?=1 element_key_string:s?=2 element_key_int:i?=3
AttributePath steps:[Step]=1
Diagnostic severity:i=1 summary:s=2 detail:s=3 attribute:AttributePath=4
RawState json:x=1 flatmap:{s}=2
Block version:i=1 attributes:[Attribute]=2 block_types:[NestedBlock]=3 description:s=4 description_kind:i=5 deprecated:b=6
Attribute name:s=1 type:x=2 nested_type:Object=10 description:s=3 required:b=4 optional:b=5 computed:b=6 sensitive:b=7 description_kind:i=8 deprecated:b=9 write_only:b=11
NestedBlock type_name:s=1 block:Block=2 nesting:i=3 min_items:i=4 max_items:i=5
Object attributes:[Attribute]=1 nesting:i=3
Schema version:i=1 block:Block=2
Parameter name:s=1 type:x=2 allow_null_value:b=3 allow_unknown_values:b=4 description:s=5 description_kind:i=6
Return type:x=1
Function parameters:[Parameter]=1 variadic_parameter:Parameter=2 return:Return=3 summary:s=4 description:s=5 description_kind:i=6 deprecation_message:s=7
FunctionError text:s=1 function_argument:i?=2
ServerCapabilities plan_destroy:b=1 get_provider_schema_optional:b=2 move_resource_state:b=3
ClientCapabilities deferral_allowed:b=1 write_only_attributes_allowed:b=2
Deferred reason:i=1
Timestamp seconds:i=1 nanos:i=2
TypeName type_name:s=1
FunctionName name:s=1
GetMetadata.Response server_capabilities:ServerCapabilities=1 diagnostics:[Diagnostic]=2 data_sources:[TypeName]=3 resources:[TypeName]=4 functions:[FunctionName]=5 ephemeral_resources:[TypeName]=6
GetProviderSchema.Response provider:Schema=1 resource_schemas:{Schema}=2 data_source_schemas:{Schema}=3 functions:{Function}=7 ephemeral_resource_schemas:{Schema}=8 diagnostics:[Diagnostic]=4 provider_meta:Schema=5 server_capabilities:ServerCapabilities=6
ValidateProviderConfig.Request config:DynamicValue=1
TypeAndConfig.Request type_name:s=1 config:DynamicValue=2 client_capabilities:ClientCapabilities=3
Diagnostics.Response diagnostics:[Diagnostic]=1
ValidateProviderConfig.Response diagnostics:[Diagnostic]=2
UpgradeResourceState.Request type_name:s=1 version:i=2 raw_state:RawState=3
UpgradeResourceState.Response upgraded_state:DynamicValue=1 diagnostics:[Diagnostic]=2
ConfigureProvider.Request terraform_version:s=1 config:DynamicValue=2 client_capabilities:ClientCapabilities=3
ReadResource.Request type_name:s=1 current_state:DynamicValue=2 private:x=3 provider_meta:DynamicValue=4 client_capabilities:ClientCapabilities=5
ReadResource.Response new_state:DynamicValue=1 diagnostics:[Diagnostic]=2 private:x=3 deferred:Deferred=4
PlanResourceChange.Request type_name:s=1 prior_state:DynamicValue=2 proposed_new_state:DynamicValue=3 config:DynamicValue=4 prior_private:x=5 provider_meta:DynamicValue=6 client_capabilities:ClientCapabilities=7
PlanResourceChange.Response planned_state:DynamicValue=1 requires_replace:[AttributePath]=2 planned_private:x=3 diagnostics:[Diagnostic]=4 deferred:Deferred=6
ApplyResourceChange.Request type_name:s=1 prior_state:DynamicValue=2 planned_state:DynamicValue=3 config:DynamicValue=4 planned_private:x=5 provider_meta:DynamicValue=6
ApplyResourceChange.Response new_state:DynamicValue=1 private:x=2 diagnostics:[Diagnostic]=3
ImportResourceState.Request type_name:s=1 id:s=2 client_capabilities:ClientCapabilities=3
ImportedResource type_name:s=1 state:DynamicValue=2 private:x=3
ImportResourceState.Response imported_resources:[ImportedResource]=1 diagnostics:[Diagnostic]=2 deferred:Deferred=3
ReadDataSource.Request type_name:s=1 config:DynamicValue=2 provider_meta:DynamicValue=3 client_capabilities:ClientCapabilities=4
ReadDataSource.Response state:DynamicValue=1 diagnostics:[Diagnostic]=2 deferred:Deferred=3
OpenEphemeralResource.Response diagnostics:[Diagnostic]=1 renew_at:Timestamp=2 result:DynamicValue=3 private:x?=4
OpenedEphemeralResource.Request type_name:s=1 private:x?=2
RenewEphemeralResource.Response diagnostics:[Diagnostic]=1 renew_at:Timestamp=2 private:x?=3
GetFunctions.Response functions:{Function}=1 diagnostics:[Diagnostic]=2
CallFunction.Request name:s=1 arguments:[DynamicValue]=2
CallFunction.Response result:DynamicValue=1 error:FunctionError=2
StopProvider.Response Error:s=1
StdioData channel:i=1 data:x=2
ConnectionInfo service_id:i=1 network:s=2 address:s=3
HealthCheckRequest service:s=1
HealthCheckResponse status:i=1`

export type Scalar = 's' | 'x' | 'b' | 'i'

export interface Field {
  readonly name: string
  /** A scalar, or the name of a message. */
  readonly type: Scalar | (string & {})
  readonly number: number
  readonly kind: 'one' | 'repeated' | 'map'
  /** Are absent and zero two things? */
  readonly hasPresence: boolean
}

export interface MessageType {
  readonly byNumber: ReadonlyMap<number, Field>
  readonly byName: ReadonlyMap<string, Field>
}

const messages: ReadonlyMap<string, MessageType> = new Map(
  notation
    .trim()
    .split('\n')
    .map(line => {
      const [name = '', ...words] = line.split(' ')
      const fields = words.map(parseField)
      return [
        name,
        { byNumber: new Map(fields.map(field => [field.number, field])), byName: new Map(fields.map(field => [field.name, field])) },
      ]
    }),
)

export function messageType(name: string): MessageType {
  const type = messages.get(name)
  if (type === undefined) throw new RangeError(`no message is called ${name}`)
  return type
}

function parseField(word: string): Field {
  const [, name = '', bracket, type = '', optional, number] = /^(\w+):([[{]?)([\w.]+)[\]}]?(\??)=(\d+)$/.exec(word) ?? []
  const kind = bracket === '[' ? 'repeated' : bracket === '{' ? 'map' : 'one'
  return { name, type, number: Number(number), kind, hasPresence: optional === '?' }
}
