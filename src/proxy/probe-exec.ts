import { execFile } from 'node:child_process'
import type { Probe, ProbeResult } from './probe.ts'

/** Of what a command prints, so much is told. */
const quoted = 200

/** Runs a command, without a shell: what it was called with is what it gets. 0 is good. Never rejects. */
export function probeExec({ command }: Extract<Probe, { kind: 'exec' }>, timeoutMs: number): Promise<ProbeResult> {
  const [program = '', ...args] = command
  return new Promise(resolve => {
    execFile(program, args, { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: 1 << 20 }, (error, stdout, stderr) => {
      if (!error) return resolve({ kind: 'up' })
      const said = (stderr || stdout).trim().slice(0, quoted)
      const why = error.killed ? `did not end within ${timeoutMs} ms` : `ended with ${error.code ?? error.signal ?? 'an error'}`
      resolve({ kind: 'down', reason: `${program} ${why}${said === '' ? '' : `: ${said}`}` })
    })
  })
}
