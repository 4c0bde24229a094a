import { apiOptions } from '../api/options.ts'
import { storeOptions } from '../registry/store-options.ts'
import { logLevelOption } from '../std/log-option.ts'
import type { OptionSpec } from '../std/options.ts'

/** The settings of `skerry global run`. */
export const options = [
  {
    flag: '--data',
    env: 'SKERRY_DATA',
    key: 'data',
    value: 'string',
    placeholder: 'DIR',
    help: 'Where the store, keys and ports.json lie',
    default: './skerry-global',
  },
  ...storeOptions,
  ...apiOptions,
  {
    flag: '--sync',
    env: 'SKERRY_SYNC_LISTEN',
    key: 'sync',
    value: 'address',
    placeholder: 'HOST:PORT',
    help: 'Where zones connect (TLS)',
    default: { host: '127.0.0.1', port: 5685 },
  },
  {
    flag: '--replica-address',
    env: 'SKERRY_REPLICA_ADDRESS',
    key: 'replicaAddress',
    value: 'address',
    placeholder: 'HOST:PORT',
    help: 'Where the other replicas on the same etcd reach the --sync address of this one; needed where that listens on all interfaces',
  },
  {
    flag: '--defaults',
    env: 'SKERRY_DEFAULTS',
    key: 'defaults',
    value: 'boolean',
    placeholder: '',
    help: 'Make mesh default, its identity and its permission on first start',
    default: true,
  },
  {
    flag: '--terraform-mirror',
    env: 'SKERRY_TERRAFORM_MIRROR',
    key: 'terraformMirror',
    value: 'string',
    placeholder: 'DIR',
    help: 'Where the Terraform provider lies that is served under /terraform/providers/ (npm run terraform:build)',
    default: './terraform/provider/dist/mirror',
  },
  logLevelOption,
] as const satisfies readonly OptionSpec[]
