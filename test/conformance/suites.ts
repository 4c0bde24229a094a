import type { ConformanceSuite } from './suite.ts'

/** Every suite by name, loaded when it is run. */
export const suites: Readonly<Record<string, () => Promise<ConformanceSuite>>> = {
  api: async () => (await import('./api.ts')).apiSuite,
  rules: async () => (await import('./rules.ts')).rulesSuite,
  schemas: async () => (await import('./schemas.ts')).schemasSuite,
  sync: async () => (await import('./sync.ts')).syncSuite,
  validators: async () => (await import('./validators.ts')).validatorsSuite,
}
