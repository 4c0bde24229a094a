import { setTimeout as delay } from 'node:timers/promises'
import type { Kube } from './kube.ts'

interface Pod {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly annotations?: Readonly<Record<string, string>>
    readonly deletionTimestamp?: string
  }
  readonly spec: { readonly nodeName?: string }
  readonly status?: { readonly phase?: string; readonly podIP?: string; readonly conditions?: readonly { type: string; status: string }[] }
}

export const nodeName = 'node-1'
/** A pod with this annotation set to `false` runs and is not ready. */
export const readyAnnotation = 'skerry.test/ready'

/** Binds pods to a node that does not exist, says that they run under an address of their own, and removes those that are to end. */
export class FakeKubelet {
  readonly #kube: Kube
  readonly #stop = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #addresses = 0

  static async start(kube: Kube): Promise<FakeKubelet> {
    await kube.apply({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: {
        name: nodeName,
        labels: { 'topology.kubernetes.io/zone': 'eu-central-1a', 'topology.kubernetes.io/region': 'eu-central-1' },
      },
      spec: { providerID: 'aws:///eu-central-1a/i-0123456789abcdef0' },
    })
    const kubelet = new FakeKubelet(kube)
    kubelet.#running = kubelet.#run()
    return kubelet
  }

  private constructor(kube: Kube) {
    this.#kube = kube
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      // While the API server is away there is nothing to do.
      const answer = await this.#kube.call('GET', '/api/v1/pods').catch(() => null)
      const pods = (answer?.body?.items ?? []) as Pod[]
      await Promise.all(pods.map(pod => this.#tend(pod).catch(() => {})))
      await delay(100, undefined, { signal: this.#stop.signal }).catch(() => {})
    }
  }

  async #tend({ metadata, spec, status }: Pod): Promise<void> {
    const path = `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`
    if (metadata.deletionTimestamp !== undefined) {
      await this.#kube.call('DELETE', `${path}?gracePeriodSeconds=0`)
      return
    }
    if (spec.nodeName === undefined) {
      const target = { apiVersion: 'v1', kind: 'Node', name: nodeName }
      await this.#kube.call('POST', `${path}/binding`, { apiVersion: 'v1', kind: 'Binding', metadata: { name: metadata.name }, target })
      return
    }
    const isReady = metadata.annotations?.[readyAnnotation] === 'false' ? 'False' : 'True'
    if (status?.conditions?.find(it => it.type === 'Ready')?.status === isReady && status.podIP !== undefined) return
    const podIP = status?.podIP ?? `10.244.${this.#addresses >> 8}.${(this.#addresses++ & 255) + 1}`
    const conditions = [
      {
        type: 'Ready',
        status: isReady,
        lastTransitionTime: new Date().toISOString(),
        message: isReady === 'True' ? '' : 'containers with unready status: [app]',
      },
    ]
    await this.#kube.call(
      'PATCH',
      `${path}/status`,
      { status: { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions } },
      'application/merge-patch+json',
    )
  }
}
