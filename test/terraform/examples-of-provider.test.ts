import { test } from 'node:test'
import { examples } from '../../terraform/provider/documentation/examples.ts'
import { aGlobal } from './control-planes.ts'
import { aProviderTest } from './provider-test.ts'
import { skipWithoutTerraform } from './terraform-command.ts'

test('the examples of the provider are well written and valid, all of them together', skipWithoutTerraform, async () => {
  await using controlPlane = await aGlobal()
  await using provider = await aProviderTest(controlPlane)
  const files = Object.entries(examples())
    .filter(([name]) => name.endsWith('.tf'))
    .map(([name, text]) => [name.replaceAll('/', '-'), text] as const)
  await provider.workspace.remove('versions.tf')
  await provider.workspace.write(Object.fromEntries(files))

  await provider.workspace.must(['init'])
  await provider.workspace.must(['fmt', '-check', '-diff'])
  await provider.workspace.must(['validate'])
})
