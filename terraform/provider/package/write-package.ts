import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { version } from '../../../src/std/version.ts'
import { packageFiles, packageHash, providerPath, scriptPlatforms, zipName } from './layout.ts'
import { zip } from './zip.ts'

/** Writes the package as Terraform finds it in a plugin directory, such as ~/.terraform.d/plugins. Returns where. */
export async function writeUnpacked(plugins: string, script: Uint8Array, platform: string): Promise<string> {
  const directory = join(plugins, providerPath, version, platform)
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  for (const { name, content, isExecutable } of packageFiles(script)) {
    await writeFile(join(directory, name), content, { mode: isExecutable ? 0o755 : 0o644 })
  }
  return directory
}

/** Writes the provider as a mirror has it: a file system mirror, and a network mirror once it is served over HTTPS.
 *  https://developer.hashicorp.com/terraform/internals/provider-network-mirror-protocol */
export async function writeMirror(mirror: string, script: Uint8Array): Promise<string> {
  const directory = join(mirror, providerPath)
  await mkdir(directory, { recursive: true })
  const files = packageFiles(script)
  const archive = zip(files)
  const archives = Object.fromEntries(scriptPlatforms.map(platform => [platform, { url: zipName(platform), hashes: [packageHash(files)] }]))
  for (const platform of scriptPlatforms) await writeFile(join(directory, zipName(platform)), archive)
  await writeFile(join(directory, `${version}.json`), `${JSON.stringify({ archives }, null, 2)}\n`)
  await writeFile(join(directory, 'index.json'), `${JSON.stringify({ versions: { [version]: {} } }, null, 2)}\n`)
  return directory
}
