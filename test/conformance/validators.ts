import { join } from 'node:path'
import type { KindDefinition, Violation } from '../../src/model/kind.ts'
import { findKind } from '../../src/model/kinds/index.ts'
import { checkSpec } from '../../src/model/validate.ts'
import { filesUnder, readText, readTextIfThere, yamlDocuments } from './data.ts'
import { jsonDifference } from './difference.ts'
import type { ConformanceCase, ConformanceSuite } from './suite.ts'

interface KumaViolation {
  readonly field: string
  readonly message: string
}

const ending = '.input.yaml'

/** Kuma's validators: a spec, and what is wrong with it. */
export const validatorsSuite: ConformanceSuite = {
  name: 'validators',
  open: dataFolder => ({
    cases: filesUnder(join(dataFolder, 'pkg'), path => path.includes('/api/v1alpha1/testdata/') && path.endsWith(ending)).map(path =>
      caseOf(join(dataFolder, 'pkg'), path.slice(0, -ending.length)),
    ),
  }),
}

function caseOf(folder: string, path: string): ConformanceCase {
  return {
    name: path,
    run: () => {
      const kind = kindOf(path)
      const [spec = {}] = yamlDocuments(readText(folder, `${path}${ending}`))
      const golden = readTextIfThere(folder, `${path}.golden.yaml`) ?? readTextIfThere(folder, `${path}.output.yaml`) ?? ''
      const [{ violations: expected = [] } = {}] = yamlDocuments<{ violations?: KumaViolation[] }>(golden)
      return compare(checkSpec(kind, spec).violations, expected)
    },
  }
}

/** The folder is named for the kind: `…/apis/meshtrust/api/v1alpha1/…`. */
function kindOf(path: string): KindDefinition {
  const segments = path.split('/')
  const word = segments[segments.indexOf('api') - 1] ?? ''
  const kind = findKind(word)
  if (kind === undefined) throw new Error(`there is no kind ${word}`)
  return kind
}

/** In any order. Our reasons may go on after Kuma's words and a semicolon, with help. A violation of the name is left out: Kuma's tests set
 *  names in their code, the data has none. */
function compare(actual: readonly Violation[], expected: readonly KumaViolation[]): string {
  const wanted = expected.filter(({ field }) => field !== 'name').map(({ field, message }) => ({ field, reason: message }))
  const given = actual.map(({ field, reason }) => {
    const match = wanted.find(it => it.field === field && reason.startsWith(`${it.reason}; `))
    return { field, reason: match?.reason ?? reason }
  })
  return jsonDifference(sorted(given), sorted(wanted))
}

function sorted(violations: readonly Violation[]): string[] {
  return violations.map(({ field, reason }) => `${field}: ${reason}`).sort()
}
