import { ServerCredentials } from '@grpc/grpc-js'
import type { Handlers } from '../wire/requests.ts'
import { bindPlugin } from './address.ts'
import { selfSigned } from './certificate.ts'
import { logToStderr } from './log.ts'
import { pluginServer } from './services.ts'

/** Both sides know it: whoever starts the program without it is a person. */
const cookie = { name: 'TF_PLUGIN_MAGIC_COOKIE', value: 'd602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2' }

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Serves a provider as Terraform starts one: the handshake on stdout, mutual TLS between certificates that both made for this run, and
 * an end when Terraform ends. https://github.com/hashicorp/go-plugin/blob/main/docs/internals.md
 */
export async function servePlugin(handlers: Handlers, environment: Environment = process.env): Promise<void> {
  if (environment[cookie.name] !== cookie.value) {
    process.stderr.write('This program is a Terraform provider: Terraform starts it. See docs/guides/terraform.md for how to install it.\n')
    process.exitCode = 1
    return
  }
  keepStdoutForHandshake()
  // Ctrl-C reaches the whole process group; Terraform says by itself what is to be stopped.
  process.on('SIGINT', () => {})

  const server = pluginServer(handlers, { shutdown: () => exit(), log: logToStderr })
  const { credentials, certificate } = pluginCredentials(environment.PLUGIN_CLIENT_CERT)
  const bound = await bindPlugin(server, credentials, environment.PLUGIN_UNIX_SOCKET_DIR || undefined)
  const exit = () => {
    server.forceShutdown()
    bound.remove()
    process.exit(0)
  }
  exitWithParent(exit)
  process.stdout.write(handshake(bound.network, bound.address, certificate, environment.PLUGIN_MULTIPLEX_GRPC))
}

/** `1|6|unix|/tmp/plugin-x/s|grpc|CERTIFICATE`: versions of go-plugin's and of Terraform's protocol, and where we are. */
export function handshake(network: string, address: string, certificate: string, multiplex: string | undefined): string {
  // Only a client that knows the field may get it.
  const field = multiplex ? '|false' : ''
  return `1|6|${network}|${address}|grpc|${certificate}${field}\n`
}

interface PluginCredentials {
  readonly credentials: ServerCredentials
  /** DER in base64 without padding, which Go's decoder refuses; empty without TLS. */
  readonly certificate: string
}

export function pluginCredentials(clientCertificate: string | undefined): PluginCredentials {
  if (!clientCertificate) return { credentials: ServerCredentials.createInsecure(), certificate: '' }
  const own = selfSigned()
  const pair = { private_key: Buffer.from(own.keyPem), cert_chain: Buffer.from(own.certPem) }
  return {
    credentials: ServerCredentials.createSsl(Buffer.from(clientCertificate), [pair], true),
    certificate: own.der.toString('base64').replace(/=+$/, ''),
  }
}

function keepStdoutForHandshake(): void {
  const say = (...words: unknown[]) => logToStderr('debug', words.map(String).join(' '))
  Object.assign(console, { log: say, info: say, debug: say })
}

/** A Terraform that was killed tells nobody; whoever then adopts us is another parent. */
function exitWithParent(exit: () => void): void {
  const parent = process.ppid
  setInterval(() => process.ppid !== parent && exit(), 1000).unref()
}
