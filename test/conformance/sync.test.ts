import { testSuite } from './suite-test.ts'
import { syncSuite } from './sync.ts'

testSuite(syncSuite)
