import { type FieldPath, parseField } from '../../../src/cli/field-path.ts'
import { checkSchema } from '../../../src/model/check-schema.ts'
import type { KindDefinition, Violation } from '../../../src/model/kind.ts'
import { checkSpec, specPath, validateLabels, validateMesh, validateName } from '../../../src/model/validate.ts'
import { hasUnknown, type ObjectValue, type Value } from '../../sdk/cty/value.ts'
import type { Problem } from '../../sdk/provider/problem.ts'
import { type AttributeFinder, violationProblem } from '../client/refusal.ts'
import { labelTexts } from './envelope.ts'

export interface Checked {
  readonly kind: KindDefinition
  /** Values of `mesh`, `name` and `labels`. */
  readonly config: ObjectValue
  /** The spec in the API's form; unknown values are left out. */
  readonly spec: unknown
  /** Is something in the spec unknown? */
  readonly isPartial: boolean
  /** Is a field, or one that it lies in or that lies in it, unknown? */
  readonly isUnknown: (field: FieldPath) => boolean
  readonly find: AttributeFinder
}

/** What the API would say of a resource, in its words, as far as that is certain while values are unknown. */
export function validateKind({ kind, config, spec, isPartial, isUnknown, find }: Checked): readonly Problem[] {
  const { name = null, mesh = null, labels = null } = config
  const violations: Violation[] = [
    ...(typeof name === 'string' ? validateName(kind, name) : []),
    ...(kind.scope === 'mesh' && typeof mesh === 'string' ? validateMesh(kind, mesh) : []),
    ...validateLabels(labelTexts(labels)),
    ...specViolations(kind, spec, isPartial, labels).filter(({ field }) => !isPartial || !isUnknown(parseField(field))),
  ]
  return violations.map(({ field, reason }) => violationProblem(`${kind.kind} is not valid`, field, reason, find))
}

/** Rules that look at several fields are not asked while one of them may be unknown. */
function specViolations(kind: KindDefinition, spec: unknown, isPartial: boolean, labels: Value): readonly Violation[] {
  if (isPartial || hasUnknown(labels)) return checkSchema(kind.spec, spec, specPath(kind), 'refuse').violations
  return checkSpec(kind, spec, 'refuse', labelTexts(labels)).violations
}
