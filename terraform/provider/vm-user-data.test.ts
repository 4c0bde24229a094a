import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { options } from '../../src/proxy/config.ts'
import { vmUserData } from './vm-user-data.ts'

function made(config: object): string {
  const result = vmUserData({ control_plane: 'zone.example.com:5678', service: 'payments', ...config })
  assert.equal(result.kind, 'ok')
  return result.kind === 'ok' ? result.text : ''
}

test('it is cloud-init that runs the proxy with the settings that a proxy has', () => {
  const text = made({
    ports: ['8080/http'],
    labels: { team: 'pay day' },
    token_command: 'cat /token',
    environment: { SKERRY_LOG_LEVEL: 'debug' },
  })
  assert.match(text, /^#cloud-config\n/)
  const { write_files, runcmd } = parse(text) as {
    write_files: { path: string; permissions: string; content: string }[]
    runcmd: string[][]
  }
  const contents = new Map(write_files.map(({ path, content }) => [path, content]))

  const settings = contents.get('/etc/skerry/proxy.env')!.trim().split('\n')
  assert.deepEqual(
    settings.map(line => line.split('=')[0]).filter(name => !options.some(({ env }) => env === name)),
    [],
  )
  assert(settings.includes('SKERRY_LABEL="team=pay day"'))
  assert(contents.get('/etc/skerry/fetch-token')!.includes('cat /token > /run/skerry/token.new'))
  assert.match(contents.get('/etc/systemd/system/skerry-proxy.service')!, /ExecStartPre=\/etc\/skerry\/fetch-token/)
  assert.deepEqual(runcmd.at(-1), ['systemctl', 'enable', '--now', 'skerry-proxy.service'])
})

test('what it does not know it refuses, with all that is wrong', () => {
  const result = vmUserData({ service: 'Pay', ports: ['http'], tokn: 'x' })

  assert.equal(result.kind, 'invalid')
  for (const field of ['control_plane', 'service', 'ports[0]', 'tokn']) assert(JSON.stringify(result).includes(field), field)
})
