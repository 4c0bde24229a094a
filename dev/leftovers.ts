import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import type { RunningProcess } from './supervisor.ts'

/** Ends what an earlier start left running because it was itself killed. A pid that has since gone to another program is left alone. */
export async function endLeftovers(processes: readonly RunningProcess[], programs: readonly string[]): Promise<void> {
  for (const { pid } of processes) {
    if (pid <= 0) continue
    const command = await commandOf(pid)
    if (!programs.some(program => command.includes(program))) continue
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended in between.
    }
  }
}

/** The command line of a process, '' when it has ended. From /proc where there is one: small images have no `ps`. */
async function commandOf(pid: number): Promise<string> {
  return await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(
    () => new Promise<string>(resolve => execFile('ps', ['-o', 'command=', '-p', String(pid)], (_error, stdout) => resolve(stdout ?? ''))),
  )
}
