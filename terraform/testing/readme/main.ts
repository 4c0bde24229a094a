import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { namesIn, terraformFolder } from '../harness/configurations.ts'
import { readModule } from './read-module.ts'
import { withTables } from './tables.ts'

/** Brings the tables in the modules' READMEs up to date. */
for (const name of namesIn('modules')) {
  const directory = join(terraformFolder, 'modules', name)
  const file = join(directory, 'README.md')
  writeFileSync(file, withTables(readFileSync(file, 'utf8'), readModule(directory)))
}
