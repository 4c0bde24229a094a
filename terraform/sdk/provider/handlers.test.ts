import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pack, unpack } from '../cty/msgpack.ts'
import { type ObjectValue, UNKNOWN } from '../cty/value.ts'
import { silentPluginLog } from '../serve/log.ts'
import type { WireDiagnostic } from '../wire/requests.ts'
import { providerHandlers } from './handlers.ts'
import { ProviderError } from './problem.ts'
import { ArgumentError, type Provider } from './provider.ts'
import { type Attributes, objectType } from './schema.ts'

const attributes: Attributes = {
  id: { type: 'string', computed: true },
  name: { type: 'string', required: true, check: value => (value === 'bad' ? 'must not be bad' : undefined) },
  secret: { type: 'string', optional: true, writeOnly: true },
}
const settings: Attributes = { endpoint: { type: 'string', optional: true } }

/** A provider that remembers what it was asked, and fails where it is told to. */
function aProvider(failing = '') {
  const asked: string[] = []
  const act = async (what: string, state: ObjectValue): Promise<ObjectValue> => {
    asked.push(what)
    if (failing === what) throw new ProviderError({ summary: `no ${what}`, detail: 'sorry', path: ['name'] })
    return { ...state, id: '1', secret: null }
  }
  const provider: Provider<string> = {
    description: '',
    attributes: settings,
    configure: ({ endpoint }) => String(endpoint),
    resources: {
      thing: {
        description: 'A thing.',
        attributes,
        version: 1,
        create: (client, planned, config) => act(`create at ${client} with ${String(config.secret)}`, planned),
        read: async (_, state) => (state.id === 'gone' ? null : act('read', state)),
        update: (_, planned) => act('update', planned),
        delete: async (_, state) => void (await act('delete', state)),
        import: id => ({ name: id }),
        upgrade: (from, state) => ({ ...state, name: `${String(state.name)} from ${from}` }),
      },
    },
    dataSources: {},
    ephemeralResources: {},
    functions: {
      half: {
        summary: '',
        description: '',
        parameters: [{ name: 'number', type: 'number', description: '' }],
        returns: 'number',
        call: number => {
          if (Number(number) % 2 !== 0) throw new ArgumentError(0, 'must be even')
          return Number(number) / 2
        },
      },
    },
  }
  return { handlers: providerHandlers(provider, silentPluginLog), asked }
}

const type = objectType(attributes)
const configure = (handlers: ReturnType<typeof aProvider>['handlers'], endpoint: string | typeof UNKNOWN) =>
  handlers.ConfigureProvider!({ config: pack(objectType(settings), { endpoint }), terraform_version: '1.11.4' })
const empty = new Uint8Array(0)
const applying = (prior: ObjectValue | null, planned: ObjectValue | null, config: ObjectValue | null = planned) => ({
  type_name: 'thing',
  prior_state: pack(type, prior),
  planned_state: pack(type, planned),
  config: pack(type, config),
  planned_private: empty,
})

test('a provider whose settings are not known is configured later, and says so to whoever needs it before', async () => {
  const { handlers, asked } = aProvider()
  await configure(handlers, UNKNOWN)
  const planned: ObjectValue = { id: UNKNOWN, name: 'x', secret: null }

  const plan = await handlers.PlanResourceChange!({
    type_name: 'thing',
    prior_state: pack(type, null),
    proposed_new_state: pack(type, { id: null, name: 'x', secret: null }),
    config: pack(type, { id: null, name: 'x', secret: null }),
    prior_private: empty,
  })
  assert.deepEqual(unpack(type, plan.planned_state as never), planned)
  const { diagnostics } = await handlers.ApplyResourceChange!(applying(null, planned))
  assert.match((diagnostics as WireDiagnostic[])[0]!.summary, /not configured/)

  await configure(handlers, 'here')
  const { new_state } = await handlers.ApplyResourceChange!(applying(null, planned, { id: null, name: 'x', secret: 'psst' }))
  assert.deepEqual(unpack(type, new_state as never), { id: '1', name: 'x', secret: null })
  assert.deepEqual(asked, ['create at here with psst'])
})

test('what fails leaves the state as it was, and says where', async () => {
  const prior = { id: '1', name: 'x', secret: null }
  for (const [what, planned] of [
    ['update', { ...prior, name: 'y' }],
    ['delete', null],
  ] as const) {
    const { handlers } = aProvider(what)
    await configure(handlers, 'here')

    const { new_state, diagnostics } = await handlers.ApplyResourceChange!(applying(prior, planned))

    assert.deepEqual(unpack(type, new_state as never), prior)
    assert.deepEqual(diagnostics, [
      { severity: 1, summary: `no ${what}`, detail: 'sorry', attribute: { steps: [{ attribute_name: 'name' }] } },
    ])
  }
})

test('what is gone is told as gone, and what is deleted is not planned', async () => {
  const { handlers } = aProvider()
  await configure(handlers, 'here')

  const read = await handlers.ReadResource!({
    type_name: 'thing',
    current_state: pack(type, { id: 'gone', name: 'x', secret: null }),
    private: empty,
  })
  assert.equal(unpack(type, read.new_state as never), null)
  const plan = await handlers.PlanResourceChange!({
    type_name: 'thing',
    prior_state: pack(type, { id: '1', name: 'x', secret: null }),
    proposed_new_state: pack(type, null),
    config: pack(type, null),
    prior_private: empty,
  })
  assert.equal(unpack(type, plan.planned_state as never), null)
})

test('a configuration is checked as far as it is known, and an old Terraform gets no secret', async () => {
  const { handlers } = aProvider()
  const check = async (config: ObjectValue, write_only_attributes_allowed = true) => {
    const client_capabilities = { write_only_attributes_allowed, deferral_allowed: false }
    const { diagnostics } = await handlers.ValidateResourceConfig!({ type_name: 'thing', config: pack(type, config), client_capabilities })
    return (diagnostics as WireDiagnostic[]).map(({ summary }) => summary)
  }

  assert.deepEqual(await check({ id: null, name: 'bad', secret: null }), ['Invalid name'])
  assert.deepEqual(await check({ id: null, name: UNKNOWN, secret: UNKNOWN }), [])
  assert.deepEqual(await check({ id: null, name: 'x', secret: 'psst' }, false), ['Terraform is too old for secret'])
})

test('an older state is read, and an import begins with its id', async () => {
  const { handlers } = aProvider()

  const upgraded = await handlers.UpgradeResourceState!({
    type_name: 'thing',
    version: 0,
    raw_state: { json: Buffer.from('{"name":"x","old":1}') },
  })
  assert.deepEqual(unpack(type, upgraded.upgraded_state as never), { id: null, name: 'x from 0', secret: null })
  const { imported_resources } = await handlers.ImportResourceState!({ type_name: 'thing', id: 'y' })
  const [imported] = imported_resources as { state: never }[]
  assert.deepEqual(unpack(type, imported!.state), { id: null, name: 'y', secret: null })
})

test('a function answers, or says which argument is wrong', async () => {
  const { handlers } = aProvider()
  const half = (number: number) => handlers.CallFunction!({ name: 'half', arguments: [pack('number', number)] })

  assert.equal(unpack('number', (await half(4)).result as never), 2)
  assert.deepEqual((await half(3)).error, { text: 'must be even', function_argument: 0 })
})
