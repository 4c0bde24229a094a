import { apiSuite } from './api.ts'
import { testSuite } from './suite-test.ts'

testSuite(apiSuite)
