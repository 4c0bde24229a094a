/** The world as a command sees it: where it prints, what it may read. */
export interface Io {
  /** Data. */
  out(text: string): void
  /** Everything else. */
  err(text: string): void
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Width of the terminal; undefined when stdout is a file or a pipe: nothing is cut then. */
  readonly columns: number | undefined
  readonly colour: boolean
  readStdin(): Promise<string>
}

export function processIo(): Io {
  const { stdout, stderr, stdin, env } = process
  return {
    out: text => stdout.write(text),
    err: text => stderr.write(text),
    env,
    cwd: process.cwd(),
    columns: stdout.isTTY ? stdout.columns : undefined,
    colour: stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb',
    async readStdin() {
      const chunks: Buffer[] = []
      for await (const chunk of stdin) chunks.push(chunk as Buffer)
      return Buffer.concat(chunks).toString('utf8')
    },
  }
}
