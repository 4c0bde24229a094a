import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { examples } from './documentation/examples.ts'
import { pages } from './documentation/pages.ts'

/** `npm run terraform:docs`: writes the provider's pages and examples, which follow from its schema. */
for (const [folder, files] of Object.entries({ docs: pages(), examples: examples() })) {
  const directory = join(import.meta.dirname, folder)
  rmSync(directory, { recursive: true, force: true })
  for (const [name, text] of Object.entries(files)) {
    const file = join(directory, name)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
}
