import type { DiscoverySourceSpec } from '../../model/kinds/discovery-source.ts'
import type { AdapterDeps, Source } from '../adapter.ts'
import type { Reply, ScriptedRequest } from '../scripted-platform.ts'

export const testAccount = '123456789012'
export const testRegion = 'eu-central-1'

/** Keys that are good for no account, as a source refers to them. */
export const testKeys = JSON.stringify({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a-secret' })

export function aSource(endpoint: string, spec: Partial<DiscoverySourceSpec> & Pick<DiscoverySourceSpec, 'type'>): Source {
  const { aws, ...rest } = spec
  return {
    mesh: 'default',
    name: 'cloud',
    spec: {
      aws: { regions: [testRegion], endpoint, ...aws },
      credentials: { type: 'Reference', reference: { type: 'EnvVar', envVar: { name: 'KEYS' } } },
      ...rest,
    },
  }
}

export function withKeys(deps: AdapterDeps): AdapterDeps {
  return { ...deps, secret: async () => Buffer.from(testKeys) }
}

/** STS's answer; undefined for a request that is for another service. */
export function identityReply({ body }: ScriptedRequest, account = testAccount): Reply | undefined {
  if (!body.includes('Action=GetCallerIdentity')) return undefined
  const result = `<GetCallerIdentityResult><Account>${account}</Account><Arn>arn:aws:iam::${account}:user/test</Arn><UserId>U</UserId></GetCallerIdentityResult>`
  return { headers: { 'content-type': 'text/xml' }, body: `<GetCallerIdentityResponse>${result}</GetCallerIdentityResponse>` }
}

/** The operation that a JSON request names: `ListTasks`. */
export function operationOf({ headers }: ScriptedRequest): string {
  return String(headers['x-amz-target']).split('.').pop()!
}

export const jsonRefusals = {
  throttled: { status: 400, body: { __type: 'ThrottlingException', message: 'Rate exceeded' } },
  denied: {
    status: 400,
    body: { __type: 'AccessDeniedException', message: 'User: arn:aws:iam::1:user/x is not authorized to perform: this:Action' },
  },
  failed: { status: 500, body: { __type: 'ServerException', message: 'Service Unavailable' } },
} as const satisfies Readonly<Record<string, Reply>>
