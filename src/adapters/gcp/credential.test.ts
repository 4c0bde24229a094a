import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Source } from '../adapter.ts'
import { ScriptedPlatform } from '../scripted-platform.ts'
import { gcpCredential, gcpToken } from './credential.ts'

const source: Source = {
  mesh: 'default',
  name: 'gke',
  spec: {
    type: 'GKE',
    gcp: { projects: ['shop'] },
    credentials: { type: 'Reference', reference: { type: 'EnvVar', envVar: { name: 'CREDENTIAL' } } },
  },
}

const holding = (text: string) => gcpCredential(source, { secret: async () => Buffer.from(text) })

test('a token that is kept elsewhere is taken as it is', async () => {
  assert.equal(await gcpToken(await holding('ya29.token\n')), 'ya29.token')
})

test('a federation of identities is exchanged for a token, without a secret', async t => {
  const directory = await mkdtemp(join(tmpdir(), 'skerry-gcp-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const file = join(directory, 'subject')
  await writeFile(file, 'subject-token')
  const bodies: string[] = []
  await using platform = new ScriptedPlatform({
    respond({ body }) {
      bodies.push(body)
      const answer = {
        access_token: 'federated',
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        token_type: 'Bearer',
        expires_in: 3600,
      }
      return body.includes('subject_token=subject-token') ? { body: answer } : { status: 400, body: { error: 'invalid_grant' } }
    },
  })
  const configuration = {
    type: 'external_account',
    audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/aws',
    subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    token_url: `${await platform.start()}/v1/token`,
    credential_source: { file },
  }

  assert.equal(await gcpToken(await holding(JSON.stringify(configuration))), 'federated')
  assert.match(bodies[0] ?? '', /cloud-platform/)

  await writeFile(file, 'of somebody else')
  await assert.rejects(gcpToken(await holding(JSON.stringify(configuration))), { code: 'SKERRY_SOURCE_CALL', what: 'denied' })
})

test('what is neither is told with its field', async () => {
  for (const text of ['', 'two words', '{', '{"type": "nothing"}'])
    await assert.rejects(holding(text), { code: 'SKERRY_SOURCE_CONFIG', field: 'credentials.reference' }, JSON.stringify(text))
})
