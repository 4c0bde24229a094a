import { createHash } from 'node:crypto'
import { version } from '../../../src/std/version.ts'
import type { ZipEntry } from './zip.ts'

/** Under which address Terraform knows the provider. */
export const address = { host: 'registry.terraform.io', namespace: 'skerry', type: 'skerry' } as const

/** Where the script runs, which needs Node 20 or later there: the same for all. Windows cannot start a script by its first line. */
export const scriptPlatforms = ['linux_amd64', 'linux_arm64', 'darwin_amd64', 'darwin_arm64'] as const

/** As Go names systems and processors. */
export function thisPlatform(): string {
  const systems: Readonly<Record<string, string>> = { win32: 'windows' }
  const processors: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' }
  return `${systems[process.platform] ?? process.platform}_${processors[process.arch] ?? process.arch}`
}

export const executableName = `terraform-provider-${address.type}_v${version}`

export function zipName(platform: string): string {
  return `terraform-provider-${address.type}_${version}_${platform}.zip`
}

/** `registry.terraform.io/skerry/skerry` */
export const providerPath = `${address.host}/${address.namespace}/${address.type}`

/** What is in a package. Without its package.json, that of a directory above would say what the script is. */
export function packageFiles(script: Uint8Array): readonly ZipEntry[] {
  return [
    { name: executableName, content: script, isExecutable: true },
    { name: 'package.json', content: Buffer.from('{ "type": "commonjs" }\n'), isExecutable: false },
  ]
}

/** Terraform's hash of a package's files, which its lock file keeps. https://pkg.go.dev/golang.org/x/mod/sumdb/dirhash#Hash1 */
export function packageHash(files: readonly ZipEntry[]): string {
  const lines = files
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, content }) => `${createHash('sha256').update(content).digest('hex')}  ${name}\n`)
  return `h1:${createHash('sha256').update(lines.join('')).digest('base64')}`
}

/** What a configuration says to get it. */
export const sourceBlock = `terraform {
  required_providers {
    skerry = {
      source  = "${address.namespace}/${address.type}"
      version = "${version}"
    }
  }
}
`
