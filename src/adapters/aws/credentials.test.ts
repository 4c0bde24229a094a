import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../std/clock.ts'
import { SourceConfigError } from '../adapter.ts'
import { parseKeys, referredCredentials } from './credentials.ts'

test('keys are read as JSON and as a credentials file has them', () => {
  const keys = { accessKeyId: 'AKID', secretAccessKey: 'se/cret+=' }
  assert.deepEqual(parseKeys(JSON.stringify(keys)), keys)
  assert.deepEqual(parseKeys('[default]\naws_access_key_id = AKID\naws_secret_access_key=se/cret+=\naws_session_token = tok\n'), {
    ...keys,
    sessionToken: 'tok',
  })
})

test('what holds no keys is refused by the field, without being repeated', () => {
  for (const text of ['hunter2', '{"accessKeyId":"hunter2"', '{"accessKeyId":"hunter2"}', '']) {
    assert.throws(
      () => parseKeys(text),
      error => error instanceof SourceConfigError && error.field === 'credentials.reference' && !error.message.includes('hunter2'),
    )
  }
})

test('keys are asked for once, again after ten minutes, and at once after a failure', async () => {
  const clock = new ManualClock()
  let reads = 0
  const credentials = referredCredentials(async () => {
    if (++reads === 2) throw new Error('the vault sleeps')
    return Buffer.from(JSON.stringify({ accessKeyId: `AKID${reads}`, secretAccessKey: 's' }))
  }, clock)

  assert.equal((await credentials()).accessKeyId, 'AKID1')
  clock.advance(9 * 60_000)
  assert.equal((await credentials()).accessKeyId, 'AKID1')
  clock.advance(2 * 60_000)
  await assert.rejects(credentials(), /sleeps/)
  assert.equal((await credentials()).accessKeyId, 'AKID3')
})
