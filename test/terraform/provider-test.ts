import { providerSource, skerryHandlers } from '../../terraform/provider/skerry-provider.ts'
import { serveReattached } from '../../terraform/sdk/serve/reattach.ts'
import type { TestControlPlane } from './control-planes.ts'
import { Workspace } from './terraform-command.ts'

/** A configuration's directory in which the provider of this process talks to a control plane of this process. */
export interface ProviderTest extends AsyncDisposable {
  readonly workspace: Workspace
}

const requiredProviders = `terraform {
  required_providers {
    skerry = {
      source = "skerry/skerry"
    }
  }
}
`

export async function aProviderTest(controlPlane: TestControlPlane): Promise<ProviderTest> {
  await using opening = new AsyncDisposableStack()
  const plugin = opening.use(await serveReattached(skerryHandlers(controlPlane.environment)))
  const workspace = opening.use(await Workspace.open({ TF_REATTACH_PROVIDERS: JSON.stringify({ [providerSource]: plugin.entry }) }))
  await workspace.write({ 'versions.tf': requiredProviders })
  await workspace.must(['init'])
  const opened = opening.move()
  return { workspace, [Symbol.asyncDispose]: () => opened.disposeAsync() }
}
