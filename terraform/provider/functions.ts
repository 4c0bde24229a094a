import { workloadSpiffeId } from '../../src/model/spiffe-id.ts'
import { toJson } from '../sdk/cty/json.ts'
import { ArgumentError, type ProviderFunction } from '../sdk/provider/provider.ts'
import { vmUserData } from './vm-user-data.ts'

/** Functions need no control plane: they are the same in every plan. */
export const functions: { readonly [name: string]: ProviderFunction } = {
  import_id: {
    summary: 'Import id of a resource',
    description:
      'What a resource of a mesh is imported by: `import_id("default", "backend")` is `default/backend`. For what is in no mesh the first argument is `""`.',
    parameters: [
      { name: 'mesh', type: 'string', description: 'The mesh; `""` for what is in none.' },
      { name: 'name', type: 'string', description: 'The name.' },
    ],
    returns: 'string',
    call: (mesh, name) => {
      if (name === '') throw new ArgumentError(1, 'must not be empty')
      return mesh === '' ? String(name) : `${String(mesh)}/${String(name)}`
    },
  },
  spiffe_id: {
    summary: 'SPIFFE ID of a workload',
    description:
      'The identity that the proxies of a workload have, as permissions name it: `spiffe_id("default", "aws-1", "backend")` is `spiffe://default.aws-1.mesh.local/workload/backend`. For meshes whose MeshIdentity has no trust domain or path of its own.',
    parameters: [
      { name: 'mesh', type: 'string', description: 'The mesh.' },
      { name: 'zone', type: 'string', description: 'The zone that it runs in.' },
      { name: 'workload', type: 'string', description: 'The workload.' },
    ],
    returns: 'string',
    call: (...parts) => {
      const empty = parts.indexOf('')
      if (empty >= 0) throw new ArgumentError(empty, 'must not be empty')
      const [mesh, zone, workload] = parts.map(String)
      return workloadSpiffeId(mesh!, zone!, workload!)
    },
  },
  vm_user_data: {
    summary: 'cloud-init for a virtual machine with a proxy',
    description:
      "cloud-init user data (`#cloud-config`) that runs a workload's proxy under systemd on a virtual machine. The token is fetched on the machine by a command, so that it is in neither the user data nor Terraform's state. One argument, an object: `control_plane` (HOST:PORT of the zone's --xds) and `service` must be there; `mesh`, `ports` (list of `[NAME:]PORT[/PROTOCOL]`), `labels`, `address`, `name`, `health`, `ca_certificate`, `token_command`, `install_command`, `drain_timeout`, `environment` may.",
    parameters: [{ name: 'config', type: 'dynamic', description: 'What the proxy is to be.' }],
    returns: 'string',
    call: config => {
      const made = vmUserData(toJson(config))
      if (made.kind === 'invalid') throw new ArgumentError(0, made.reason)
      return made.text
    },
  },
}
