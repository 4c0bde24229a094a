import { testSuite } from './suite-test.ts'
import { validatorsSuite } from './validators.ts'

testSuite(validatorsSuite)
