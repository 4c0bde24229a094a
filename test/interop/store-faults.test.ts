import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, type TestContext, test } from 'node:test'
import { SqliteStore } from '../../src/registry/sqlite-store.ts'

/**
 * The sqlite store under faults of the disk and death at any system call, made by strace. `when` counts the calls of one thread that touch the
 * store's files.
 */
describe('the sqlite store', { timeout: 280_000 }, () => {
  faultTest('has every acknowledged commit after being killed at any flush or write', async t => {
    const file = await aPlace(t)
    const acknowledged = new Set<string>()
    let killed = 0
    const moments = [...Array(12).keys(), 15, 19, 24, 30, 37, 45]
    for (const call of ['fsync', 'pwrite64']) {
      for (const moment of moments) {
        const { lines, signal } = await write(file, `${call}-${moment}`, [`inject=${call}:signal=SIGKILL:when=${moment + 1}`])
        if (signal === 'SIGKILL') killed++
        for (const line of lines) if (line.startsWith('ack ')) acknowledged.add(line.slice(4))

        const names = await namesIn(file)

        const lost = [...acknowledged].filter(name => !names.has(name))
        assert.deepEqual(lost, [], `killed at ${call} ${moment + 1}`)
      }
    }
    assert.ok(killed > moments.length, `only ${killed} were killed`)
    assert.ok(acknowledged.size > 50, `only ${acknowledged.size} were acknowledged`)
  })

  faultTest('is made whole or not at all when the first start is killed', async t => {
    for (const call of ['fsync', 'pwrite64', 'ftruncate', 'linkat', 'unlink']) {
      for (const moment of [1, 2, 3, 5, 8, 13, 18]) {
        const file = await aPlace(t)
        const { lines } = await write(file, 'first', [`inject=${call}:signal=SIGKILL:when=${moment}`], 3)

        const names = await namesIn(file)

        for (const line of lines) if (line.startsWith('ack ')) assert.ok(names.has(line.slice(4)), `killed at ${call} ${moment}`)
      }
    }
  })

  for (const [call, moments] of [
    ['fsync', [9, 10, 14, 25]],
    ['pwrite64', [32, 35, 60]],
  ] as const) {
    faultTest(`says that it failed when ${call} does, ends with 74, and loses nothing that was acknowledged`, async t => {
      for (const moment of moments) {
        const file = await aPlace(t)
        const { lines, exitCode } = await write(file, 'w', [`inject=${call}:error=EIO:when=${moment}+`])

        assert.equal(exitCode, 74, `${call} ${moment}: ${lines.at(-1)}`)
        assert.match(lines.at(-1)!, /^failed SKERRY_STORE_FAILED$/)
        const names = await namesIn(file)
        const acknowledged = lines.flatMap(line => (line.startsWith('ack ') ? [line.slice(4)] : []))
        assert.ok(acknowledged.length > 0, `${call} ${moment}`)
        assert.deepEqual(
          acknowledged.filter(name => !names.has(name)),
          [],
          `${call} ${moment}`,
        )
      }
    })
  }

  faultTest('refuses writes while the disk is full, goes on being read, and takes them again when there is room', async t => {
    const file = await aPlace(t)

    const { lines, exitCode } = await write(file, 'w', ['inject=pwrite64:error=ENOSPC:when=40..60'])

    assert.equal(exitCode, 0, lines.at(-1))
    const kinds = lines.map(line => line.split(' ')[0])
    const full = kinds.flatMap((kind, index) => (kind === 'full' ? [index] : []))
    assert.ok(full.length > 0)
    assert.ok(kinds.indexOf('ack') < full[0]! && kinds.lastIndexOf('ack') > full.at(-1)!, kinds.join(' '))
    for (const index of full) assert.match(lines[index]!, /^full SKERRY_STORE_FULL read \d+$/)
    assert.deepEqual(await namesIn(file), new Set(Array.from({ length: 40 }, (_, index) => `w-${index}`)))
  })

  faultTest('does not open, and says why, when its file cannot be read', async t => {
    const file = await aPlace(t)
    await write(file, 'w', [])

    const { lines, exitCode } = await write(file, 'again', ['inject=pread64:error=EIO:when=3+'])

    assert.deepEqual([exitCode, lines], [74, ['failed SKERRY_STORE_FAILED']])
    assert.equal((await namesIn(file)).size, 40)
  })
})

function faultTest(sentence: string, body: (t: TestContext) => Promise<void>): void {
  test(sentence, async t => {
    if (canTrace()) await body(t)
    else t.skip('no strace, or it may not trace here: install it (apt-get install strace)')
  })
}

function canTrace(): boolean {
  try {
    execFileSync('strace', ['-f', '-e', 'trace=fsync', '-e', 'inject=fsync:error=EIO:when=99', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

async function aPlace(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-faults-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  return join(directory, 'store.db')
}

/** What a restarted program finds; throws when it would not start. */
async function namesIn(file: string): Promise<Set<string>> {
  const store = await SqliteStore.open({ file })
  const { records } = await store.load()
  await store.close()
  return new Set(records.map(record => record.key.name))
}

/** Commits `PREFIX-0`, `PREFIX-1` … one after the other, in a process with these faults, and says of each what became of it. */
async function write(file: string, prefix: string, faults: readonly string[], count = 40) {
  const program = `
    import { writeSync } from 'node:fs'
    import { SqliteStore } from ${JSON.stringify(new URL('../../src/registry/sqlite-store.ts', import.meta.url).href)}
    const [file, prefix, count] = process.argv.slice(1)
    try {
      const store = await SqliteStore.open({ file })
      const fail = async error => {
        if (error.code !== 'SKERRY_STORE_FAILED') throw error
        throw await store.failed
      }
      for (let index = 0; index < Number(count); ) {
        const name = prefix + '-' + index
        try {
          await store.commit([{ kind: 'put', key: { kind: 'Mesh', mesh: '', name }, value: 'x'.repeat(500) }])
          writeSync(1, 'ack ' + name + '\\n')
          index++
        } catch (error) {
          if (error.code !== 'SKERRY_STORE_FULL') await fail(error)
          writeSync(1, 'full ' + error.code + ' read ' + (await store.load()).records.length + '\\n')
        }
      }
      await store.close()
    } catch (error) {
      writeSync(1, 'failed ' + error.code + '\\n')
      process.exit(74)
    }
  `
  // Only what touches the store is counted: Node reads and writes files of its own.
  const files = ['', '-wal', '.marker'].flatMap(suffix => ['-P', `${file}${suffix}`])
  const traced = ['-e', `trace=${callsOf(faults)}`, ...faults.flatMap(fault => ['-e', fault])]
  const trace = faults.length > 0 ? ['strace', '-f', '-qq', '-o', '/dev/null', ...files, ...traced] : []
  const [command, ...args] = [...trace, process.execPath, '--input-type=module', '--eval', program, file, prefix, String(count)]
  const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const closed = new Promise<[number | null, NodeJS.Signals | null]>(resolve =>
    child.once('close', (code, signal) => resolve([code, signal])),
  )
  const lines = (await text(child.stdout)).split('\n').filter(line => line !== '')
  const [exitCode, signal] = await closed
  return { lines, exitCode, signal }
}

function callsOf(faults: readonly string[]): string {
  return faults.map(fault => /^inject=(\w+)/.exec(fault)![1]).join()
}
