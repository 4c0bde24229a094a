import type { FieldPath } from '../../../src/cli/field-path.ts'
import type { KindDefinition } from '../../../src/model/kind.ts'
import type { ObjectValue } from '../../sdk/cty/value.ts'
import type { Path, Problem } from '../../sdk/provider/problem.ts'
import type { Attributes } from '../../sdk/provider/schema.ts'

/** A resource as its control plane shows it. */
export type ShownResource = Readonly<Record<string, unknown>> & { readonly name: string }

/** How a resource of Terraform's and one of the control plane's are made of each other. */
export interface Codec {
  readonly description: string
  /** Without `id` and `revision`, which every resource has. */
  readonly attributes: Attributes
  /** The kind that a configuration is of; undefined where that is not known yet. */
  kindOf(values: ObjectValue): KindDefinition | undefined
  /** The whole body of a PUT; `config` has what is only written. */
  toBody(planned: ObjectValue, config: ObjectValue): Readonly<Record<string, unknown>>
  /** The state, as like to `was` as what is shown allows. */
  toState(shown: ShownResource, was: ObjectValue): ObjectValue
  /** What is wrong with a configuration in which values may be unknown. */
  validate(config: ObjectValue): readonly Problem[]
  /** The attribute for a field of the API. */
  attributeOf(field: FieldPath): Path | undefined
  /** As much of the state as an import id tells. */
  fromId(id: string): ObjectValue
}
