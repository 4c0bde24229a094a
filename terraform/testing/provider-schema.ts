import type { Type } from '../sdk/cty/type.ts'

/** What `terraform providers schema -json` prints of one provider, as far as a slice carries it. https://developer.hashicorp.com/terraform/cli/commands/providers/schema */
export interface ProviderSchema {
  /** `registry.terraform.io/hashicorp/aws`. */
  readonly source: string
  /** Of the real provider that this was read from. */
  readonly version: string
  /** Where it was read, in words. */
  readonly provenance: string
  readonly provider: Schema
  readonly resource_schemas: Readonly<Record<string, Schema>>
  readonly data_source_schemas: Readonly<Record<string, Schema>>
}

export interface Schema {
  readonly version: number
  readonly block: BlockSchema
}

export interface BlockSchema {
  readonly attributes?: Readonly<Record<string, AttributeSchema>>
  readonly block_types?: Readonly<Record<string, NestedBlockSchema>>
}

export interface AttributeSchema {
  readonly type?: Type
  readonly nested_type?: { readonly nesting_mode: NestingMode; readonly attributes: Readonly<Record<string, AttributeSchema>> }
  readonly required?: true
  readonly optional?: true
  readonly computed?: true
  readonly sensitive?: true
  readonly write_only?: true
}

export interface NestedBlockSchema {
  readonly nesting_mode: NestingMode
  readonly block: BlockSchema
  readonly min_items?: number
  readonly max_items?: number
}

export type NestingMode = 'single' | 'list' | 'set' | 'map'
