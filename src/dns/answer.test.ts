import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NamedThing } from './answer.ts'
import { anEndpoint, ask, aView } from './test-support.ts'

const service = (...endpoints: ReturnType<typeof anEndpoint>[]): NamedThing => ({ kind: 'service', endpoints })
const view = aView({
  'shop.svc.mesh.local': service(anEndpoint('10.0.0.1'), anEndpoint('10.0.0.2'), anEndpoint('2001:db8::1')),
  'svc.mesh.local': { kind: 'ancestor' },
  'far.mzsvc.mesh.local': service(anEndpoint('10.0.0.1'), anEndpoint('192.0.2.9', { priority: 1, port: 10_001, weight: 3 })),
  'idle.svc.mesh.local': service(),
  'bank.extsvc.mesh.local': service(anEndpoint('api.bank.example')),
  'shop.corp.example': service(anEndpoint('10.0.0.1')),
  'odd.svc.mesh.local': service(anEndpoint('not a host!'), anEndpoint('10.0.0.7')),
})
const data = (packet: ReturnType<typeof ask>) => packet.answers?.map(it => (it as unknown as { data: unknown }).data)

test('A and AAAA are the addresses of the nearest endpoints', () => {
  assert.deepEqual(data(ask(view, 'shop.svc.mesh.local', 'A')), ['10.0.0.1', '10.0.0.2'])
  assert.deepEqual(data(ask(view, 'shop.svc.mesh.local', 'AAAA')), ['2001:db8::1'])
  assert.deepEqual(data(ask(view, 'far.mzsvc.mesh.local', 'A')), ['10.0.0.1'])
  assert.deepEqual(data(ask(view, 'odd.svc.mesh.local', 'A')), ['10.0.0.7'])
})

test('each endpoint is first now and then', () => {
  assert.deepEqual(data(ask(view, 'shop.svc.mesh.local', 'A', { rotation: 0.5 })), ['10.0.0.2', '10.0.0.1'])
})

test('SRV has every endpoint with its port and tier, and the addresses of its targets', () => {
  const all = ask(view, 'far.mzsvc.mesh.local', 'SRV')
  const byPort = ask(view, '_http._tcp.far.mzsvc.mesh.local', 'SRV')

  assert.deepEqual(data(all), [
    { priority: 0, weight: 1, port: 8080, target: '0a000001.addr.skerry' },
    { priority: 1, weight: 3, port: 10_001, target: 'c0000209.addr.skerry' },
  ])
  assert.deepEqual(
    all.additionals?.map(it => [it.name, (it as unknown as { data: unknown }).data]),
    [
      ['0a000001.addr.skerry', '10.0.0.1'],
      ['c0000209.addr.skerry', '192.0.2.9'],
    ],
  )
  assert.deepEqual(data(byPort), data(all))
  assert.equal(ask(view, '_grpc._tcp.far.mzsvc.mesh.local', 'SRV').rcode, 'NXDOMAIN')
  assert.deepEqual(data(ask(view, '0a000001.addr.skerry', 'A')), ['10.0.0.1'])
  assert.deepEqual(data(ask(view, '20010db8000000000000000000000001.addr.skerry', 'AAAA')), ['2001:db8::1'])
})

test('what is not there does not exist; what is there without such a record has no data; both say for how long', () => {
  const check = (name: string, type: string, rcode: string) => {
    const { rcode: got, answers, authorities, flag_aa } = ask(view, name, type) as ReturnType<typeof ask> & { flag_aa: boolean }
    assert.deepEqual([got, answers?.length, authorities?.length, flag_aa], [rcode, 0, 1, true], name)
    assert.deepEqual([authorities?.[0]?.type, authorities?.[0]?.name], ['SOA', name.endsWith('skerry') ? 'skerry' : 'mesh.local'], name)
    assert.equal((authorities![0] as unknown as { data: { minimum: number } }).data.minimum, 1)
  }

  check('none.svc.mesh.local', 'A', 'NXDOMAIN')
  check('shop.svc.mesh.local', 'TXT', 'NOERROR')
  check('idle.svc.mesh.local', 'A', 'NOERROR')
  check('svc.mesh.local', 'A', 'NOERROR')
  check('mesh.local', 'A', 'NOERROR')
  check('_tcp.shop.svc.mesh.local', 'A', 'NOERROR')
  check('zz.addr.skerry', 'A', 'NXDOMAIN')
  assert.deepEqual(
    ask(view, 'mesh.local', 'SOA').answers?.map(({ type }) => type),
    ['SOA'],
  )
})

test('other names are refused: nobody else is asked', () => {
  for (const name of ['example.com', 'local', 'xmesh.local', 'corp.example']) {
    const { rcode, answers, authorities } = ask(view, name, 'A')
    assert.deepEqual([rcode, answers, authorities], ['REFUSED', [], []], name)
  }
  const refused = ask(view, 'example.com', 'A') as unknown as { flag_ra: boolean; flag_rd: boolean }
  assert.deepEqual([refused.flag_ra, refused.flag_rd], [false, true])
  assert.deepEqual(data(ask(view, 'shop.corp.example', 'A')), ['10.0.0.1'])
})

test('an endpoint that is known by name alone is an alias', () => {
  const { answers } = ask(view, 'bank.extsvc.mesh.local', 'A')
  assert.deepEqual(
    answers?.map(it => [it.type, (it as unknown as { data: unknown }).data]),
    [['CNAME', 'api.bank.example']],
  )
})

test('ANY gets a short answer', () => {
  assert.deepEqual(
    ask(view, 'shop.svc.mesh.local', 'ANY').answers?.map(({ type }) => type),
    ['HINFO'],
  )
})
