import type { OptionSpec } from '../../std/options.ts'
import { options as proxyOptions } from '../config.ts'

/** Settings that say which proxy it is; the same as those of `skerry proxy run`. */
const shared: ReadonlySet<string> = new Set(['--token-file', '--token', '--ca-file', '--service', '--mesh', '--name', '--data'])

/** The settings of `skerry proxy bootstrap`. */
export const options: readonly OptionSpec[] = [
  {
    flag: '--grpc',
    env: 'SKERRY_GRPC',
    key: 'grpc',
    value: 'boolean',
    placeholder: '',
    help: "For an application with gRPC's own xDS client, beside a skerry proxy run --engine grpc with the same settings",
    default: false,
  },
  {
    flag: '--output',
    env: 'SKERRY_OUTPUT',
    key: 'output',
    value: 'string',
    placeholder: 'FILE|-',
    help: 'Where to write it; - is stdout',
    default: '-',
  },
  ...proxyOptions.filter(({ flag }) => shared.has(flag)),
]

/** What they mean. */
export interface BootstrapConfig {
  readonly grpc: boolean
  readonly output: string
  readonly tokenFile: string | undefined
  readonly token: string | undefined
  readonly caFile: string | undefined
  readonly service: string | undefined
  readonly mesh: string | undefined
  readonly name: string | undefined
  readonly data: string | undefined
}
