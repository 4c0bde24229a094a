import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { bundle } from './package/bundle.ts'
import { sourceBlock, thisPlatform } from './package/layout.ts'
import { writeUnpacked } from './package/write-package.ts'

/** `npm run terraform:install [-- DIR]`: puts the provider where a Terraform of this user finds it without any settings. */
const [wanted] = process.argv.slice(2)
const plugins = wanted === undefined ? join(homedir(), '.terraform.d', 'plugins') : resolve(wanted)
const directory = await writeUnpacked(plugins, await bundle(), thisPlatform())
const how = wanted === undefined ? 'terraform init' : `terraform init -plugin-dir=${plugins}`
process.stdout.write(`installed in ${directory}\n\nWrite this into your configuration, and run \`${how}\`:\n\n${sourceBlock}`)
