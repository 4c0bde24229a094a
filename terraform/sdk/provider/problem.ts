import { type Type, typeWithin } from '../cty/type.ts'
import type { PathStep, WireDiagnostic } from '../wire/requests.ts'

/** Where something is: names of attributes, keys of maps, indexes of lists. */
export type Path = readonly (string | number)[]

/** One thing wrong, for whoever wrote the configuration. */
export interface Problem {
  /** Absent = it stops what is being done. */
  readonly severity?: 'warning'
  readonly summary: string
  readonly detail?: string
  readonly path?: Path
}

/** What a call failed with. Thrown by what a provider is made of; Terraform shows all of them. */
export class ProviderError extends Error {
  override name = 'ProviderError'
  readonly code = 'SKERRY_TERRAFORM_FAILED'
  readonly problems: readonly Problem[]

  constructor(problem: Problem | readonly Problem[], options?: ErrorOptions) {
    const problems = Array.isArray(problem) ? (problem as readonly Problem[]) : [problem as Problem]
    super(problems.map(({ summary, detail }) => (detail ? `${summary}: ${detail}` : summary)).join('; '), options)
    this.problems = problems
  }
}

/** What Terraform shows of whatever was thrown. */
export function problemsOf(error: unknown): readonly Problem[] {
  if (error instanceof ProviderError) return error.problems
  const { message } = error as Error
  return [{ summary: 'The provider failed', detail: message }]
}

/** `type` is that of the whole object which the paths lead into. Of what lies within an attribute Terraform finds no line in a file, and shows
 *  that of the whole block: it is pointed at the attribute of the first level, and the detail says the rest. */
export function wireDiagnostics(type: Type, problems: readonly Problem[]): WireDiagnostic[] {
  return problems.map(({ severity, summary, detail, path }) => {
    const steps = path === undefined ? [] : wireSteps(type, path).slice(0, 1)
    return {
      severity: severity === 'warning' ? 2 : 1,
      summary,
      detail: detail ?? '',
      ...(steps.length > 0 ? { attribute: { steps } } : {}),
    }
  })
}

/** As far as the type reaches: within a dynamic value Terraform cannot point at anything. */
export function wireSteps(type: Type, path: Path): PathStep[] {
  const steps: PathStep[] = []
  let at = type
  for (const step of path) {
    if (typeof at === 'string') break
    if (at[0] === 'set' || (at[0] === 'object' && at[1][step] === undefined)) break
    if (at[0] === 'object') steps.push({ attribute_name: String(step) })
    else if (at[0] === 'map') steps.push({ element_key_string: String(step) })
    else steps.push({ element_key_int: Number(step) })
    at = typeWithin(at, step)
  }
  return steps
}
