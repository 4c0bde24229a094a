import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { referencePages } from './pages.ts'

/** `npm run docs`: writes the reference pages that follow from tables in the source. */
const directory = join(import.meta.dirname, 'reference')
mkdirSync(directory, { recursive: true })
for (const [name, text] of Object.entries(await referencePages())) writeFileSync(join(directory, name), text)
