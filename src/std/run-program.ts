import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Address, formatAddress } from './option-value.ts'

/** Resolves with the first SIGTERM or SIGINT; a second one ends the process at once. */
export function untilSignal(): Promise<'SIGTERM' | 'SIGINT'> {
  return new Promise(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        resolve(signal)
        process.once(signal, () => process.exit(130))
      })
    }
  })
}

/** Says where a program listens: `ports.json` in its data directory for programs, lines on stdout for people. */
export async function announcePorts(dataDir: string, title: string, ports: Readonly<Record<string, Address>>): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const file = join(dataDir, 'ports.json')
  await writeFile(
    `${file}.new`,
    `${JSON.stringify(Object.fromEntries(Object.entries(ports).map(([name, address]) => [name, formatAddress(address)])), null, 2)}\n`,
  )
  await rename(`${file}.new`, file)
  process.stdout.write(
    `${title}\n${Object.entries(ports)
      .map(([name, address]) => `  ${name.padEnd(6)} ${formatAddress(address)}\n`)
      .join('')}`,
  )
}

/** Prints why a program could not start – message, code and what to do, without a stack where the error is one that we foresaw – and answers its exit code. */
export function reportStartError(error: unknown): number {
  const { code, message, stack } = error as { code?: string; message?: string; stack?: string }
  const foreseen = typeof code === 'string' && code.startsWith('SKERRY_')
  process.stderr.write(foreseen ? `error: ${message}\ncode: ${code}\n` : `${stack ?? String(error)}\n`)
  if (code === 'SKERRY_STORE_DAMAGED' || code === 'SKERRY_STORE_VERSION') return 65
  return 1
}
