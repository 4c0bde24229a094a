import { createWriteStream } from 'node:fs'
import { ProxyError } from './proxy-error.ts'

export interface AccessLogSink {
  write(line: string): void
  close(): Promise<void>
}

/** More than this waits only when the disk stands still; then lines are dropped, not requests. */
const maxWaitingBytes = 8 * 1024 * 1024

/** @param target a file, or `-` for stdout */
export async function openAccessLog(target: string): Promise<AccessLogSink> {
  if (target === '-') return { write: line => void process.stdout.write(`${line}\n`), close: async () => {} }
  const stream = createWriteStream(target, { flags: 'a', mode: 0o640 })
  await new Promise((resolve, reject) => {
    stream.once('open', resolve)
    stream.once('error', reject)
  }).catch(cause => {
    throw new ProxyError(
      'SKERRY_ACCESS_LOG_UNUSABLE',
      `the access log cannot be written: ${cause.message}`,
      'give another file with --access-log',
      { cause },
    )
  })
  // A disk that is full is no reason to stop serving.
  stream.on('error', () => {})
  return {
    write(line) {
      if (stream.writableLength < maxWaitingBytes) stream.write(`${line}\n`)
    },
    close: () => new Promise(resolve => stream.end(() => resolve())),
  }
}
