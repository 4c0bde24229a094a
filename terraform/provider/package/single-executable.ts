import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** By which Node finds the script in its own file. https://nodejs.org/api/single-executable-applications.html */
const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

/** Puts the script into a copy of this Node: one file, for machines of the same system and processor without a Node of their own. */
export async function writeSingleExecutable(file: string, script: Uint8Array): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'skerry-executable-'))
  try {
    const main = join(work, 'main.cjs')
    // The first line is for the shell; Node knows it only in a file that it runs itself.
    await writeFile(
      main,
      Buffer.from(script)
        .toString('utf8')
        .replace(/^#!.*\n/, ''),
    )
    const output = join(work, 'main.blob')
    const config = { main, output, disableExperimentalSEAWarning: true, useCodeCache: true }
    await writeFile(join(work, 'config.json'), JSON.stringify(config))
    await run(process.execPath, ['--experimental-sea-config', join(work, 'config.json')])
    await mkdir(dirname(file), { recursive: true })
    await rm(file, { force: true })
    await copyFile(process.execPath, file)
    await chmod(file, 0o755)
    const { inject } = await import('postject')
    const segment = process.platform === 'darwin' ? { machoSegmentName: 'NODE_SEA' } : {}
    await inject(file, 'NODE_SEA_BLOB', await readFile(output), { sentinelFuse: fuse, ...segment })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}
