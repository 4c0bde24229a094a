import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { bundle } from './package/bundle.ts'
import { executableName, packageFiles, thisPlatform, zipName } from './package/layout.ts'
import { writeSingleExecutable } from './package/single-executable.ts'
import { writeMirror } from './package/write-package.ts'
import { zip } from './package/zip.ts'

/** `node terraform/provider/build.ts [--out DIR] [--executable]`: the mirror that a global control plane serves, and release files. */
const { values } = parseArgs({ options: { out: { type: 'string' }, executable: { type: 'boolean', default: false } } })
const out = values.out === undefined ? join(import.meta.dirname, 'dist') : resolve(values.out)

const script = await bundle()
const mirror = join(out, 'mirror')
process.stdout.write(`mirror      ${await writeMirror(mirror, script)}\n`)
const release = join(out, 'release')
await mkdir(release, { recursive: true })
await writeFile(join(release, zipName('script')), zip(packageFiles(script)))
// What the public registry wants beside the archives. https://developer.hashicorp.com/terraform/registry/providers/publishing
await writeFile(
  join(release, 'terraform-registry-manifest.json'),
  `${JSON.stringify({ version: 1, metadata: { protocol_versions: ['6.0'] } })}\n`,
)
if (values.executable) {
  const file = join(release, thisPlatform(), process.platform === 'win32' ? `${executableName}.exe` : executableName)
  await writeSingleExecutable(file, script)
  process.stdout.write(`executable  ${file}\n`)
}
process.stdout.write(`release     ${release}\n`)
