import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { cli } from './test-support.ts'

const web = JSON.stringify({
  family: 'web',
  networkMode: 'awsvpc',
  executionRoleArn: 'arn:aws:iam::123456789012:role/execution',
  containerDefinitions: [{ name: 'web', image: 'web:1', portMappings: [{ containerPort: 8080 }] }],
})
const flags = ['--cp', 'zone.example:5678', '--token-secret', 'web-token', '--image', 'skerry:1']

test('a task definition comes back with a proxy, and what was added stands apart', async () => {
  const { code, out, err } = await cli(
    ['generate', 'ecs-task', '-f', '-', ...flags, '--service', 'shop', '--outbound', 'pay=10001', '--explain'],
    {
      stdin: web,
    },
  )

  assert.equal(code, 0)
  const task = JSON.parse(out)
  assert.deepEqual(
    task.containerDefinitions.map(({ name }: { name: string }) => name),
    ['web', 'skerry-proxy'],
  )
  assert.match(task.containerDefinitions[1].command.join(' '), /--service shop .*--outbound pay=10001/)
  assert.match(err, /containerDefinitions\[1\][.]secrets/)
  assert.match(err, /has no appProtocol/)
})

test('what cannot work is refused by its fields, and nothing is printed', async () => {
  const { code, out, err } = await cli(['generate', 'ecs-task', '-f', '-', ...flags], { stdin: web.replace('awsvpc', 'bridge') })

  assert.equal(code, 65)
  assert.equal(out, '')
  assert.match(err, /stdin: networkMode: is bridge/)
})

test('a flag that is missing or wrong is named', async () => {
  const [noImage, badOutbound, noJson] = await Promise.all([
    cli(['generate', 'ecs-task', '-f', '-', ...flags.slice(0, 4)], { stdin: web }),
    cli(['generate', 'ecs-task', '-f', '-', ...flags, '--outbound', 'pay'], { stdin: web }),
    cli(['generate', 'ecs-task', '-f', '-', ...flags], { stdin: 'family: web' }),
  ])

  assert.match(noImage.err, /--image is missing/)
  assert.match(badOutbound.err, /--outbound pay is not/)
  assert.deepEqual([noImage.code, badOutbound.code, noJson.code], [64, 64, 65])
})

test('a proxy says whether it is ready', async t => {
  let status = 200
  const server = createServer((request, response) => {
    response.writeHead(request.url === '/ready' ? status : 404).end(status === 200 ? 'ready\n' : 'draining\n')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const admin = `127.0.0.1:${(server.address() as AddressInfo).port}`

  const ready = await cli(['proxy', 'ready', '--admin', admin])
  status = 503
  const draining = await cli(['proxy', 'ready', '--admin', admin])
  const nobody = await cli(['proxy', 'ready', '--admin', '127.0.0.1:1'])

  assert.deepEqual([ready.code, ready.out], [0, 'ready\n'])
  assert.deepEqual([draining.code, draining.out], [75, 'draining\n'])
  assert.equal(nobody.code, 69)
})
