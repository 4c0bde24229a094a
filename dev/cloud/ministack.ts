import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { root } from '../parts.ts'
import type { ProcessSpec } from '../supervisor.ts'

/** The version that the demo is tried with. https://pypi.org/project/ministack/ */
const version = '1.5.33'

export const howToGetIt = `pip install ministack==${version}`

/** A program and the arguments before all others. */
export type Command = readonly [program: string, ...args: string[]]

/** Where a caller has ministack: in `$PEERS_DIR` (default .peers), on the PATH, or as a module of Python. null: nowhere. */
export async function findMinistack(env: Readonly<Record<string, string | undefined>>): Promise<Command | null> {
  const folders = [resolve(root, env.PEERS_DIR ?? '.peers', 'ministack/bin'), ...(env.PATH ?? '').split(delimiter).filter(Boolean)]
  for (const folder of folders) {
    const program = join(folder, 'ministack')
    if (await isProgram(program)) return [program]
  }
  for (const python of ['python3', 'python']) if (await runs(python, ['-c', 'import ministack'])) return [python, '-m', 'ministack']
  return null
}

/** ministack as a process of the demo: an AWS that remembers what it is told, and runs functions. It has no containers; those `Tasks` runs. */
export function ministackProcess(command: Command, port: number, directory: string): ProcessSpec {
  const [program, ...args] = command
  return {
    name: 'cloud-ministack',
    role: 'cloud',
    // A zone that is killed takes no cloud with it.
    zone: '',
    program,
    args,
    env: {
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      EDGE_PORT: String(port),
      IOT_MTLS_ENABLED: '0',
      SFTP_ENABLED: '0',
      STATE_DIR: directory,
      MINISTACK_REGION: fakeRegion,
      MINISTACK_ACCOUNT_ID: fakeAccount,
      // Functions run as processes of this Node, and not in containers of whatever Docker there may be.
      DOCKER_HOST: 'unix:///nowhere',
      PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}`,
    },
  }
}

export const fakeRegion = 'eu-west-1'
export const fakeAccount = '123456789012'
/** What signs calls to the fake cloud. They replace those of whoever starts the demo: nothing may ever be asked of a real account. */
export const fakeCredentials = { accessKeyId: 'test', secretAccessKey: 'test' }
export const fakeEnvironment: Readonly<Record<string, string | undefined>> = {
  AWS_ACCESS_KEY_ID: fakeCredentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: fakeCredentials.secretAccessKey,
  AWS_SESSION_TOKEN: undefined,
  AWS_PROFILE: undefined,
}

async function isProgram(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

async function runs(program: string, args: readonly string[]): Promise<boolean> {
  return await promisify(execFile)(program, [...args], { timeout: 10_000 }).then(
    () => true,
    () => false,
  )
}
