import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eksToken } from './token.ts'

const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }

async function addressIn(credentials: typeof keys & { sessionToken?: string }, region = 'eu-central-1'): Promise<URL> {
  const token = await eksToken({ cluster: 'prod', region, credentials, now: new Date('2026-01-02T03:04:05Z') })
  assert.match(token, /^k8s-aws-v1\.[A-Za-z0-9_-]+$/)
  return new URL(Buffer.from(token.slice('k8s-aws-v1.'.length), 'base64url').toString())
}

// Signatures of botocore 1.44.5 for the same keys, time and cluster.
test('the address is signed as botocore signs it', async () => {
  const address = await addressIn(keys)

  assert.equal(address.origin, 'https://sts.eu-central-1.amazonaws.com')
  assert.deepEqual(Object.fromEntries(address.searchParams), {
    Action: 'GetCallerIdentity',
    Version: '2011-06-15',
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': 'AKIDEXAMPLE/20260102/eu-central-1/sts/aws4_request',
    'X-Amz-Date': '20260102T030405Z',
    'X-Amz-Expires': '60',
    'X-Amz-SignedHeaders': 'host;x-k8s-aws-id',
    'X-Amz-Signature': '8fb212f6307177b21f5b98e84955bafa8cd337f36e6eb27ed4bb552f48ff4494',
  })
})

test('… with the token of a role, too', async () => {
  const address = await addressIn({ ...keys, sessionToken: 'SESSION/TOKEN+=' })

  assert.equal(address.searchParams.get('X-Amz-Security-Token'), 'SESSION/TOKEN+=')
  assert.equal(address.searchParams.get('X-Amz-Signature'), 'bd4e71b3d67eb709968f6278120ec0fda70d0184428d2184b5d1f8d0c6e2bcce')
})

test('in China the service has another domain', async () => {
  assert.equal((await addressIn(keys, 'cn-north-1')).host, 'sts.cn-north-1.amazonaws.com.cn')
})
