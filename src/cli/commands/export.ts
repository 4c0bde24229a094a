import { exportHcl } from '../../convert/terraform/export-hcl.ts'
import { isComputedLabel } from '../../model/compute-labels.ts'
import type { Invocation } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { type Exported, findExported } from '../exported.ts'
import { toYaml } from '../output/format.ts'

/** Prints what people wrote at a control plane: as YAML that `apply` takes, or in Terraform's language. */
export async function run(invocation: Invocation): Promise<number> {
  const { options, io, givenMesh } = invocation
  const exported = await findExported(await invocation.api(), givenMesh)
  if (options.terraform === true) {
    const { text, count, skipped } = exportHcl(exported.map(({ resource }) => resource))
    io.out(text)
    for (const { kind, name, reason } of skipped) io.err(`left out ${kind} ${name}: ${reason}\n`)
    io.err(`${count} resources\n`)
    return exitCodes.ok
  }
  const secrets = exported.filter(({ kind }) => kind.secret)
  const written = exported.filter(({ kind }) => !kind.secret).map(asWritten)
  if (written.length > 0) io.out(await toYaml(written))
  for (const { kind, resource } of secrets) io.err(`left out ${kind.kind} ${resource.name}: secrets do not leave the control plane\n`)
  io.err(`${written.length} resources\n`)
  return exitCodes.ok
}

/** Without what the control plane adds. */
function asWritten({ kind, resource }: Exported): object {
  const labels = Object.entries(resource.labels).filter(([label]) => !isComputedLabel(label))
  return {
    type: kind.kind,
    ...(kind.scope === 'mesh' ? { mesh: resource.mesh } : {}),
    name: resource.name,
    ...(labels.length > 0 ? { labels: Object.fromEntries(labels) } : {}),
    ...(kind.shape === 'flat' ? (resource.spec as object) : { spec: resource.spec }),
  }
}
