import type { Type } from '../cty/type.ts'
import type { ObjectValue, Value } from '../cty/value.ts'
import type { Problem } from './problem.ts'
import type { Attributes } from './schema.ts'

/**
 * Something that Terraform makes, changes and removes. The functions get whole objects of `attributes` and answer with such; a failure
 * is thrown (`ProviderError`). `Client` is whatever the provider was configured to.
 */
export interface Resource<Client> {
  readonly description: string
  readonly attributes: Attributes
  /** Of the schema; `upgrade` reads states of earlier ones. */
  readonly version?: number
  /** What is wrong with a configuration in which values may be unknown; beyond the attributes' own checks. */
  validate?(config: ObjectValue): readonly Problem[]
  /** Asks the other side whether it would take what is planned; only called for a change, and only when the provider is configured. */
  review?(client: Client, planned: ObjectValue, prior: ObjectValue | null): Promise<readonly Problem[]>
  create(client: Client, planned: ObjectValue, config: ObjectValue): Promise<ObjectValue>
  /** Null = it is gone. */
  read(client: Client, state: ObjectValue): Promise<ObjectValue | null>
  /** Absent = every change replaces it. */
  update?(client: Client, planned: ObjectValue, prior: ObjectValue, config: ObjectValue): Promise<ObjectValue>
  delete(client: Client, state: ObjectValue): Promise<void>
  /** As much of the state as follows from an id; `read` is asked for the rest. */
  import?(id: string): ObjectValue
  upgrade?(from: number, state: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>
}

export interface DataSource<Client> {
  readonly description: string
  readonly attributes: Attributes
  validate?(config: ObjectValue): readonly Problem[]
  read(client: Client, config: ObjectValue): Promise<ObjectValue>
}

/** Something that is in neither the plan nor the state. It is opened in the plan and once more when that is applied. */
export interface EphemeralResource<Client> {
  readonly description: string
  readonly attributes: Attributes
  validate?(config: ObjectValue): readonly Problem[]
  open(client: Client, config: ObjectValue): Promise<ObjectValue>
}

export interface ProviderFunction {
  readonly summary: string
  readonly description: string
  readonly parameters: readonly FunctionParameter[]
  /** What any further arguments are. */
  readonly variadic?: FunctionParameter
  readonly returns: Type
  /** Throws `ArgumentError`. */
  call(...values: readonly Value[]): Value
}

export interface FunctionParameter {
  readonly name: string
  readonly type: Type
  readonly description: string
  readonly allowNull?: boolean
}

/** What is wrong with an argument of a function, counted from 0. */
export class ArgumentError extends Error {
  override name = 'ArgumentError'
  readonly code = 'SKERRY_TERRAFORM_ARGUMENT'
  readonly argument: number

  constructor(argument: number, message: string) {
    super(message)
    this.argument = argument
  }
}

export interface ConfigureContext {
  readonly terraformVersion: string
  /** Aborted when Terraform asks to stop. */
  readonly signal: AbortSignal
}

export interface Provider<Client> {
  readonly description: string
  readonly attributes: Attributes
  validate?(config: ObjectValue): readonly Problem[]
  configure(config: ObjectValue, context: ConfigureContext): Client | Promise<Client>
  readonly resources: { readonly [type: string]: Resource<Client> }
  readonly dataSources: { readonly [type: string]: DataSource<Client> }
  readonly ephemeralResources: { readonly [type: string]: EphemeralResource<Client> }
  readonly functions: { readonly [name: string]: ProviderFunction }
}
