import { readdirSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'

export const terraformFolder: string = join(import.meta.dirname, '../..')

/** Names under `terraform/modules` or `terraform/examples`. */
export function namesIn(folder: 'modules' | 'examples'): string[] {
  return readdirSync(join(terraformFolder, folder)).sort()
}

/** Puts modules and examples into a directory, side by side as they are here: what Terraform leaves behind stays out of the tree. */
export async function copyConfigurations(directory: string): Promise<void> {
  for (const folder of ['modules', 'examples']) await cp(join(terraformFolder, folder), join(directory, folder), { recursive: true })
}
