import { rulesSuite } from './rules.ts'
import { testSuite } from './suite-test.ts'

testSuite(rulesSuite)
