import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { durationMs, formatDuration, parseDurationMs } from './duration.ts'

test('durations read as Go reads them', () => {
  const cases: [string, number | null][] = [
    ['0', 0],
    ['5s', 5000],
    ['1.5s', 1500],
    ['.5s', 500],
    ['1h30m', 5_400_000],
    ['250ms', 250],
    ['100us', 0.1],
    ['100µs', 0.1],
    ['-2s', -2000],
    ['', null],
    ['5', null],
    ['5 s', null],
    ['s', null],
    ['1d', null],
    ['5s!', null],
  ]
  for (const [text, ms] of cases) assert.equal(parseDurationMs(text), ms, text)
})

test('durations print as Go prints them', () => {
  const cases: [number, string][] = [
    [0, '0s'],
    [101_000, '1m41s'],
    [3_600_000, '1h0m0s'],
    [1500, '1.5s'],
    [250, '250ms'],
    [0.1, '100µs'],
    [0.000_001, '1ns'],
    [-2000, '-2s'],
  ]
  for (const [ms, text] of cases) assert.equal(formatDuration(ms), text)
})

test('a printed duration reads as the same duration', () => {
  fc.assert(fc.property(fc.integer({ min: -1e12, max: 1e12 }), ms => assert.ok(Math.abs(durationMs(formatDuration(ms)) - ms) < 1e-3)))
})

test('what is no duration is refused with an example', () => {
  assert.throws(() => durationMs('soon'), /"soon" is not a duration; write it like 250ms/)
})
