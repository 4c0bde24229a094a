import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CliError } from './cli-error.ts'
import { exitCodes } from './exit-codes.ts'

/** Which control plane a command talks to, and as whom. */
export interface Connection {
  readonly url: URL
  readonly token: string | undefined
  /** PEM of the authorities to trust; without it the token's fingerprint decides, then the system. */
  readonly ca: string | undefined
  /** What named the address, for messages: `--api`, `SKERRY_API`, a demo.json. */
  readonly origin: string
}

export interface ConnectionFlags {
  readonly api?: string
  readonly tokenFile?: string
  readonly caFile?: string
}

/** What `npm start` keeps true in `.skerry/demo.json`. */
export interface DemoFile {
  readonly ready: boolean
  readonly urls: { readonly shop?: string; readonly api?: string; readonly dashboard?: string }
  readonly adminTokenFile?: string
  readonly processes?: readonly { readonly name: string; readonly role: string; readonly zone?: string; readonly pid: number }[]
}

/** Flags win over variables, those over the demo of this directory or of one above it. */
export async function findConnection(
  flags: ConnectionFlags,
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): Promise<Connection> {
  const given = flags.api ?? (env.SKERRY_API || undefined)
  const tokenFile = flags.tokenFile ?? (env.SKERRY_TOKEN_FILE || undefined)
  const caFile = flags.caFile ?? (env.SKERRY_CA_FILE || undefined)
  const ca = caFile === undefined ? undefined : await readGivenFile(caFile, flags.caFile ? '--ca-file' : 'SKERRY_CA_FILE')
  if (given !== undefined) {
    const origin = flags.api ? '--api' : 'SKERRY_API'
    return { url: parseUrl(given, origin), token: tokenFile && (await readToken(tokenFile, flags)), ca, origin }
  }

  const demo = await findDemo(cwd)
  if (demo === undefined) {
    throw new CliError('no control plane named, and no demo runs from this directory', {
      code: 'SKERRY_NO_CONTROL_PLANE',
      exitCode: exitCodes.usage,
      fix: 'give --api URL (or SKERRY_API) and --token-file FILE (or SKERRY_TOKEN_FILE), or run npm start in the checkout',
    })
  }
  if (!demo.file.urls?.api) {
    throw new CliError(`the demo of ${demo.path} is still starting`, {
      code: 'SKERRY_DEMO_STARTING',
      exitCode: exitCodes.temporary,
      fix: 'wait until npm start says it is ready',
    })
  }
  const path = tokenFile ?? demo.file.adminTokenFile
  return {
    url: parseUrl(demo.file.urls.api, demo.path),
    token: path && (await readToken(path, flags, tokenFile === undefined ? demo.path : undefined)),
    ca,
    origin: demo.path,
  }
}

/** `.skerry/demo.json` in `directory` or the nearest one above it. */
export async function findDemo(directory: string): Promise<{ readonly path: string; readonly file: DemoFile } | undefined> {
  for (let at = directory; ; at = dirname(at)) {
    const path = join(at, '.skerry', 'demo.json')
    try {
      return { path, file: JSON.parse(await readFile(path, 'utf8')) as DemoFile }
    } catch (error) {
      if (error instanceof SyntaxError)
        throw new CliError(`${path} is no JSON: ${error.message}`, {
          code: 'SKERRY_DEMO_FILE',
          exitCode: exitCodes.badInput,
          fix: `rm ${path} && npm start`,
        })
    }
    if (dirname(at) === at) return undefined
  }
}

function parseUrl(text: string, origin: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  throw new CliError(`${origin}: ${JSON.stringify(text)} is not an http or https URL`, {
    code: 'SKERRY_USAGE',
    exitCode: exitCodes.usage,
    fix: 'write it as http://127.0.0.1:5681',
  })
}

async function readToken(
  path: string,
  flags: ConnectionFlags,
  origin = flags.tokenFile ? '--token-file' : 'SKERRY_TOKEN_FILE',
): Promise<string> {
  const token = (await readGivenFile(path, origin)).trim()
  // What cannot stand in a header would fail as a connection that cannot be made.
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw new CliError(
    `${origin}: ${path}: ${token === '' ? 'the file is empty' : 'that is no token: one line of letters and digits is wanted'}`,
    {
      code: 'SKERRY_BAD_TOKEN_FILE',
      exitCode: exitCodes.badInput,
      fix: 'name the file that `skerry token user NAME --out FILE` wrote, or the admin.token of the control plane',
    },
  )
}

async function readGivenFile(path: string, origin: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'you may not read it' : message
    throw new CliError(`${origin}: ${path}: ${why}`, {
      code: 'SKERRY_FILE_UNREADABLE',
      exitCode: exitCodes.badInput,
      fix: 'name a file that exists and that you may read',
    })
  }
}
