import { dirname, join } from 'node:path'
import { createApi } from '../../src/api/server.ts'
import { makeKeyPair } from '../../src/identity/keys.ts'
import { TokenAuthority } from '../../src/identity/token-authority.ts'
import { makeTokenKeys } from '../../src/identity/tokens.ts'
import { completeSpec } from '../../src/model/complete.ts'
import { fromWire } from '../../src/model/wire.ts'
import { MemoryStore } from '../../src/registry/memory-store.ts'
import { Registry, type RegistryChange } from '../../src/registry/registry.ts'
import { systemClock } from '../../src/std/clock.ts'
import { silentLog } from '../../src/std/log.ts'
import { answerDifference } from './api-answer.ts'
import { type ApiCase, readApiCases } from './api-case.ts'
import { withoutRemovedFields } from './api-lenient.ts'
import type { ConformanceSuite } from './suite.ts'

/** Kuma's API cases against the real routes over a store in memory, each with a store of its own. The caller is Kuma's admin. */
export const apiSuite: ConformanceSuite = {
  name: 'api',
  open(dataFolder) {
    const keys = makeTokenKeys('ab'.repeat(32), { dataplane: makeKeyPair(), zone: makeKeyPair(), user: makeKeyPair() })
    const tokens = new TokenAuthority({ keys, clock: systemClock })
    return {
      cases: readApiCases(join(dataFolder, 'pkg/api-server/testdata')).map(one => ({ name: one.name, run: () => runCase(one, tokens) })),
    }
  },
}

const admin = { name: 'mesh-system:admin', groups: ['mesh-system:admin', 'mesh-system:authenticated'] } as const

async function runCase(one: ApiCase, tokens: TokenAuthority): Promise<string> {
  await using registry = await Registry.open(new MemoryStore(), { clock: systemClock, log: silentLog })
  await registry.commit(seedOf(one))
  const app = createApi({
    registry,
    role: roleOf(one),
    tokens,
    authenticate: async () => ({ kind: 'ok', principal: admin }),
    clock: systemClock,
    log: silentLog,
    instanceId: 'instance-1',
    clusterId: 'cluster-1',
  })
  try {
    for (const request of one.requests) {
      const response = await app.inject({
        method: request.method as 'GET',
        url: request.path,
        headers: { host: ADDRESS, ...(request.body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(request.body === undefined ? {} : { payload: withoutRemovedFields(request.body) }),
      })
      const difference = answerDifference(request, { status: response.statusCode, text: response.body }, ADDRESS)
      if (difference !== '') return difference
    }
    return ''
  } finally {
    await app.close()
  }
}

const ADDRESS = '127.0.0.1:5681'

/** Kuma runs the folders called `global` against a global control plane, all others against a zone that is called `default`. */
export function roleOf({ name }: Pick<ApiCase, 'name'>) {
  return dirname(name).split('/').includes('global')
    ? ({ kind: 'global' } as const)
    : ({ kind: 'zone', zone: 'default', federated: false } as const)
}

/** Read leniently, as a store is: fields that were removed are dropped, labels stay as they are. Defaults are filled in as at a write. */
function seedOf({ seed }: ApiCase): RegistryChange[] {
  return seed.map(document => {
    const read = fromWire(document, { strict: false })
    if (read.kind === 'ok') return { kind: 'put', draft: { ...read.draft, spec: completeSpec(read.definition, read.draft.spec) } }
    throw new Error(`cannot seed ${document.type} ${document.name}: ${read.violations.map(({ field, reason }) => `${field}: ${reason}`)}`)
  })
}
