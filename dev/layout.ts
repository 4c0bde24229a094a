import { randomBytes, randomInt } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { join } from 'node:path'

/** Where everything of one demo mesh listens. Kept in `<data>/demo-ports.json`, so that a second start finds the same addresses. */
export interface Layout {
  readonly dataDir: string
  readonly adminTokenFile: string
  readonly adminToken: string
  readonly ports: Readonly<Record<PortName, number>>
}

const portNames = [
  'global-api',
  'global-sync',
  'aws-1-api',
  'aws-1-xds',
  'azure-1-api',
  'azure-1-xds',
  'aws-1-ingress',
  'azure-1-ingress',
  'shop',
  'web-app',
  'orders-app',
  'payments-aws-1-app',
  'payments-azure-1-app',
  'web-to-orders',
  'orders-to-payments',
  'web-http-proxy',
  'payments-aws-1-http-proxy',
  'cloud',
  'cloud-ministack',
] as const
export type PortName = (typeof portNames)[number]

/**
 * Ports that are free together now; all are held until the last is found, so none is given twice. From below the range out of which
 * systems give ports to outgoing connections (32768 on Linux, 49152 on macOS): a process that is started again must find its port free.
 */
export async function freePorts<N extends string>(names: readonly N[]): Promise<Record<N, number>> {
  const held = await Promise.all(names.map(async name => ({ name, server: await holdPort() })))
  const ports = Object.fromEntries(held.map(({ name, server }) => [name, (server.address() as AddressInfo).port])) as Record<N, number>
  for (const { server } of held) server.close()
  return ports
}

export async function openLayout(dataDir: string): Promise<Layout> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const adminTokenFile = join(dataDir, 'admin.token')
  const adminToken = await readOrMake(adminTokenFile, () => randomBytes(32).toString('base64url'))
  return { dataDir, adminTokenFile, adminToken, ports: await openPorts(join(dataDir, 'demo-ports.json')) }
}

/** An earlier version of the demo may have chosen fewer. */
async function openPorts(file: string): Promise<Layout['ports']> {
  const known = JSON.parse(await readOrMake(file, () => '{}')) as Partial<Layout['ports']>
  const missing = portNames.filter(name => known[name] === undefined)
  if (missing.length === 0) return known as Layout['ports']
  const ports = { ...known, ...(await freePorts(missing)) } as Layout['ports']
  await writeFile(file, `${JSON.stringify(ports)}\n`, { mode: 0o600 })
  return ports
}

async function readOrMake(file: string, make: () => string | Promise<string>): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    const content = await make()
    await writeFile(file, `${content}\n`, { mode: 0o600 })
    return content
  }
}

async function holdPort(): Promise<Server> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const server = await listen(randomInt(20_000, 32_000))
    if (server) return server
  }
  throw new Error('no port between 20000 and 32000 is free on 127.0.0.1')
}

/** null: the port is taken. */
function listen(port: number): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', error => ((error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? resolve(null) : reject(error)))
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
