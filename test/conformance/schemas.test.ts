import { schemasSuite } from './schemas.ts'
import { testSuite } from './suite-test.ts'

testSuite(schemasSuite)
