import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultVipCidrs, vipRanges } from './vips.ts'

test('ranges that cannot be used are refused, with what would do', () => {
  const check = (cidr: string, message: RegExp) =>
    assert.throws(() => vipRanges({ ...defaultVipCidrs, vipCidrMeshExternalService: cidr }), { code: 'SKERRY_VIP_RANGE', message })

  check('10.0.0.0', /--vip-cidr-mesh-external-service "10.0.0.0" is no range of IPv4 addresses such as/)
  check('fd00::/8', /is no range of IPv4 addresses/)
  check('241.5.0.0/16', /241.0.0.0\/8 and 241.5.0.0\/16 share addresses/)
  assert.equal(vipRanges(defaultVipCidrs).MeshMultiZoneService.cidr, '243.0.0.0/8')
})
