import type { WorkloadRow } from '../schema/mesh.ts'
import type { ChangeLog } from './change-log.ts'
import { Table } from './table.ts'

/** One Dataplane, as part of its workload. */
export interface Instance {
  readonly mesh: string
  readonly workload: string
  readonly zone: string
  readonly connected: boolean
  readonly ready: boolean
  readonly agentless: boolean
}

interface Counts {
  total: number
  connected: number
  ready: number
}

/** Workloads, counted as their instances come, change and go. */
export class Workloads {
  readonly table = new Table<WorkloadRow>({
    id: row => `${row.mesh}/${row.name}`,
    mesh: row => row.mesh,
    text: row => row.name,
    filters: { mesh: row => row.mesh, zone: row => row.zones.map(({ zone }) => zone), name: row => row.name },
    sorts: {
      name: row => row.name,
      mesh: row => row.mesh,
      total: row => row.total,
      connected: row => row.connected,
      ready: row => row.ready,
      zones: row => row.zones.length,
    },
    order: 'mesh,name',
  })
  readonly #log: ChangeLog
  readonly #counts = new Map<string, { readonly zones: Map<string, Counts>; agentless: number }>()
  readonly #dirty = new Map<string, { readonly mesh: string; readonly workload: string }>()
  readonly #byZone = new Map<string, number>()
  readonly #byMesh = new Map<string, number>()

  constructor(log: ChangeLog) {
    this.#log = log
  }

  /** @param sign 1 = it is there now, -1 = it was there as told before */
  count(sign: 1 | -1, instance: Instance): void {
    const { mesh, workload, zone } = instance
    const key = `${mesh}/${workload}`
    const counts = this.#counts.get(key) ?? { zones: new Map<string, Counts>(), agentless: 0 }
    const there = counts.zones.get(zone) ?? { total: 0, connected: 0, ready: 0 }
    there.total += sign
    if (instance.connected) there.connected += sign
    if (instance.ready) there.ready += sign
    if (instance.agentless) counts.agentless += sign
    if (there.total > 0) counts.zones.set(zone, there)
    else counts.zones.delete(zone)
    this.#counts.set(key, counts)
    this.#dirty.set(key, { mesh, workload })
  }

  /** How many have instances in a zone. */
  inZone(zone: string): number {
    return this.#byZone.get(zone) ?? 0
  }

  inMesh(mesh: string): number {
    return this.#byMesh.get(mesh) ?? 0
  }

  /** Brings the rows to the counts. */
  settle(): void {
    for (const [key, { mesh, workload }] of this.#dirty) {
      const counts = this.#counts.get(key)
      const before = this.table.get(key)
      if (!counts || counts.zones.size === 0) {
        this.#counts.delete(key)
        if (this.table.delete(key)) this.#changed(key, mesh)
      } else if (this.table.put(rowOf(mesh, workload, counts))) this.#changed(key, mesh)
      this.#countRow(-1, before)
      this.#countRow(1, this.table.get(key))
    }
    this.#dirty.clear()
  }

  #changed(key: string, mesh: string): void {
    this.#log.record('workloads', key, mesh)
  }

  #countRow(sign: number, row: WorkloadRow | undefined): void {
    if (!row) return
    add(this.#byMesh, row.mesh, sign)
    for (const { zone } of row.zones) add(this.#byZone, zone, sign)
  }
}

function rowOf(
  mesh: string,
  name: string,
  { zones, agentless }: { readonly zones: ReadonlyMap<string, Counts>; readonly agentless: number },
): WorkloadRow {
  const byZone = [...zones].map(([zone, counts]) => ({ zone, ...counts })).sort((a, b) => (a.zone < b.zone ? -1 : 1))
  const sum = (field: keyof Counts) => byZone.reduce((total, counts) => total + counts[field], 0)
  return { mesh, name, total: sum('total'), connected: sum('connected'), ready: sum('ready'), agentless, zones: byZone }
}

function add(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by
  if (count === 0) counts.delete(key)
  else counts.set(key, count)
}
