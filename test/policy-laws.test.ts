import { test } from 'node:test'
import { laws } from './policy/laws.ts'
import { loadRules } from './policy/load-rules.ts'

for (const { name, check } of laws) test(name, async () => check(await loadRules()))
