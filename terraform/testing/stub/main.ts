import { readFileSync } from 'node:fs'
import { servePlugin } from '../../sdk/serve/plugin.ts'
import type { ProviderSchema } from '../provider-schema.ts'
import { stubProvider } from './stub-provider.ts'

/** A stub as a process that Terraform starts: `node main.ts schemas/aws.json`. */
await servePlugin(stubProvider(JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as ProviderSchema), process.env)
