import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ProviderSchema } from '../provider-schema.ts'

const directory = join(import.meta.dirname, '../schemas')

export interface Slice {
  readonly file: string
  readonly schema: ProviderSchema
}

/** What the stubs serve: the slice of each cloud's provider that modules and examples use. */
export function readSlices(): Slice[] {
  return readdirSync(directory).map(name => {
    const file = join(directory, name)
    return { file, schema: JSON.parse(readFileSync(file, 'utf8')) as ProviderSchema }
  })
}
