import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../std/clock.ts'
import { testCertificate } from '../../std/test-certificate.ts'
import { TlsMaterial } from './tls-material.ts'

const [a, b] = (await Promise.all([testCertificate('a'), testCertificate('b')])).map(made => made.rootCaPem) as [string, string]

test('a new zone or root leaves connections alone; one that is taken away ends them', () => {
  const material = new TlsMaterial(systemClock)
  const told: boolean[] = []
  material.onChange = ({ connectionsHold }) => told.push(connectionsHold)

  material.setTrust(new Map([['one.example', [a]]]))
  material.setTrust(
    new Map([
      ['one.example', [a]],
      ['two.example', [b]],
    ]),
  )
  material.setTrust(
    new Map([
      ['ONE.example', [b, a]],
      ['two.example', [b]],
    ]),
  )
  assert.deepEqual(told, [true, true, true])

  material.setTrust(
    new Map([
      ['one.example', [b]],
      ['two.example', [b]],
    ]),
  )
  material.setTrust(new Map([['two.example', [b]]]))
  assert.deepEqual(told.slice(3), [false, false])
})

test('a root that moves to another trust domain no longer vouches for the first', () => {
  const material = new TlsMaterial(systemClock)
  material.setTrust(new Map([['one.example', [a]]]))
  let holds: boolean | undefined
  material.onChange = change => {
    holds = change.connectionsHold
  }
  material.setTrust(new Map([['two.example', [a]]]))
  assert.equal(holds, false)
})
