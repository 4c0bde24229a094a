import type { OptionSpec } from '../std/options.ts'

/** The API of a control plane, who is its admin, and what is kept of who did what; both programs have these settings. */
export const apiOptions = [
  {
    flag: '--api',
    env: 'SKERRY_API_LISTEN',
    key: 'api',
    value: 'address',
    placeholder: 'HOST:PORT',
    help: 'Where the HTTP API listens',
    default: { host: '127.0.0.1', port: 5681 },
  },
  {
    flag: '--api-name',
    env: 'SKERRY_API_NAMES',
    key: 'apiNames',
    value: 'list',
    placeholder: 'NAME',
    help: 'A name under which the API is reached, beside its address: its certificate has it, and it is answered to; may be repeated',
  },
  {
    flag: '--admin-token-file',
    env: 'SKERRY_ADMIN_TOKEN_FILE',
    key: 'adminTokenFile',
    value: 'string',
    placeholder: 'FILE',
    help: "The admin's token: used as it is when the file exists, else made there; default DIR/admin.token",
  },
  {
    flag: '--audit-keep-mb',
    env: 'SKERRY_AUDIT_KEEP_MB',
    key: 'auditKeepMb',
    value: 'number',
    placeholder: 'MB',
    help: 'How large the audit log in DIR/audit may grow; its oldest entries go first',
    default: 256,
  },
] as const satisfies readonly OptionSpec[]
