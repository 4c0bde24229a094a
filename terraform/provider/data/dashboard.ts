import { mesh, workload } from '../../../src/api/dashboard/schema/mesh.ts'
import { service } from '../../../src/api/dashboard/schema/service.ts'
import { summary } from '../../../src/api/dashboard/schema/summary.ts'
import { zone } from '../../../src/api/dashboard/schema/zone.ts'
import type { ObjectValue, Value } from '../../sdk/cty/value.ts'
import type { DataSource } from '../../sdk/provider/provider.ts'
import { type Attributes, isGiven } from '../../sdk/provider/schema.ts'
import type { ControlPlane } from '../client/control-plane.ts'
import { requireSuccess } from '../client/refusal.ts'
import { type Answered, answered } from '../shape/computed.ts'

const root = '/dashboard/v1'
const pageSize = 1000

const zoneRow = answered(zone, [
  'name',
  'kri',
  'enabled',
  'state',
  'since',
  'last_heard',
  'reason',
  'version',
  'lag',
  'proxies',
  'services',
  'workloads',
  'sources',
  'problems',
])
const meshRow = answered(mesh)
const serviceRow = answered(service)
const workloadRow = answered(workload)
const summaryAnswer = answered(summary, ['mode', 'zone', 'version', 'instance', 'started_at', 'counts'])

/** What screens show, for configurations: is the zone there, has the service instances? Read anew in every plan. */
export const dashboardDataSources: { readonly [type: string]: DataSource<ControlPlane> } = {
  skerry_zones: list('zones', zoneRow, 'All zones, with whether they are online, their version and how far behind they are.', {
    state: 'Only zones in this state: `online`, `silent`, `expected` or `never-connected`.',
  }),
  skerry_zone: item('zones', zoneRow, 'A zone: whether it is online, its version, when it was last heard.', false),
  skerry_meshes: list('meshes', meshRow, 'All meshes.', {}),
  skerry_mesh: item('meshes', meshRow, 'A mesh, and how much is in it.', false),
  skerry_services: list('services', serviceRow, 'Services over all zones, with their instances by zone and their health.', {
    mesh: 'Only those of this mesh.',
    zone: 'Only those with instances in this zone.',
    state: 'Only those in this state: `available`, `degraded`, `unavailable`, `empty` or `unknown`.',
  }),
  skerry_service: item('services', serviceRow, 'A service: its instances by zone, their health, its ports and hostnames.', true),
  skerry_workloads: list('workloads', workloadRow, 'Workloads: what is deployed under one name, with its instances by zone.', {
    mesh: 'Only those of this mesh.',
    zone: 'Only those with instances in this zone.',
  }),
  skerry_control_plane: {
    description: 'The control plane itself: whether it is global or of a zone, its version, and how much there is.',
    attributes: summaryAnswer.attributes,
    read: async client => summaryAnswer.read(requireSuccess(await client.send('GET', `${root}/summary`)).body),
  },
}

/** Every row, or those that the filters leave. */
function list(topic: string, row: Answered, description: string, filters: Readonly<Record<string, string>>): DataSource<ControlPlane> {
  const given: Attributes = Object.fromEntries(
    Object.entries(filters).map(([name, said]) => [name, { type: 'string' as const, optional: true, description: said }]),
  )
  return {
    description,
    attributes: {
      ...given,
      [topic]: { nested: { nesting: 'list', attributes: row.attributes }, computed: true, description: 'What was found, by name.' },
    },
    async read(client, config) {
      const wanted = Object.keys(filters).filter(name => isGiven(config[name]))
      const query = Object.fromEntries(wanted.map(name => [`filter[${name}]`, String(config[name])]))
      const rows = await allRows(client, `${root}/${topic}`, query)
      return { ...config, [topic]: rows.map(api => row.read(api)) }
    },
  }
}

async function allRows(client: ControlPlane, path: string, query: Readonly<Record<string, string>>): Promise<readonly unknown[]> {
  const rows: unknown[] = []
  for (;;) {
    const page = new URLSearchParams({ ...query, sort: 'name', size: String(pageSize), offset: String(rows.length) })
    const { body } = requireSuccess(await client.send('GET', `${path}?${page}`))
    const { items, total } = body as { readonly items: readonly unknown[]; readonly total: number }
    rows.push(...items)
    if (items.length === 0 || rows.length >= total) return rows
  }
}

function item(topic: string, row: Answered, description: string, isInMesh: boolean): DataSource<ControlPlane> {
  const key: Attributes = {
    ...(isInMesh ? { mesh: { type: 'string', optional: true, computed: true, description: 'Its mesh. Default `default`.' } } : {}),
    name: { type: 'string', required: true, description: 'Its name.' },
  }
  return {
    description,
    attributes: { ...row.attributes, ...key },
    async read(client, config) {
      const mesh: Value = config.mesh ?? 'default'
      const path = isInMesh
        ? `${encodeURIComponent(String(mesh))}/${encodeURIComponent(String(config.name))}`
        : encodeURIComponent(String(config.name))
      const { body } = requireSuccess(await client.send('GET', `${root}/${topic}/${path}`))
      const found: ObjectValue = row.read((body as { readonly item: unknown }).item)
      return { ...found, ...(isInMesh ? { mesh } : {}), name: config.name ?? null }
    },
  }
}
