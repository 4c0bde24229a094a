import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OptionSpec } from '../std/options.ts'
import { describeConfig } from './describe-config.ts'

const base = { env: 'X', placeholder: '', help: '' } as const
const specs: readonly OptionSpec[] = [
  { ...base, flag: '--api', key: 'api', value: 'address' },
  { ...base, flag: '--offline-after', key: 'offlineAfter', value: 'duration' },
  { ...base, flag: '--store', key: 'store', value: 'string' },
  { ...base, flag: '--store-urls', key: 'store.urls', value: 'list' },
  { ...base, flag: '--store-password', key: 'store.password', value: 'string', secret: true },
]

test('settings are shown as in the file of the program, and what is unset is not', () => {
  const values = { api: { host: '127.0.0.1', port: 5681 }, offlineAfter: 1500, store: 'etcd' }

  assert.deepEqual(describeConfig(specs, values), { api: '127.0.0.1:5681', offlineAfter: '1.5s', store: 'etcd' })
})

test('neither a secret nor the password in a URL is shown', () => {
  const values = { store: 'etcd', 'store.urls': ['https://root:hunter2@etcd:2379', 'https://etcd-2:2379'], 'store.password': 'hunter2' }

  const shown = describeConfig(specs, values)

  assert.deepEqual(shown, { store: { self: 'etcd', urls: ['https://*****@etcd:2379', 'https://etcd-2:2379'], password: '*****' } })
  assert.ok(!JSON.stringify(shown).includes('hunter2'))
})
