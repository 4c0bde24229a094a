import { Agent, request } from 'node:http'

/** One request as a client saw it. Times in ms since the load began. */
export interface Sample {
  readonly at: number
  readonly tookMs: number
  readonly ok: boolean
  /** 0 = no answer. */
  readonly status: number
  /** The answer, or what went wrong. */
  readonly body: string
}

/** Requests at a fixed rate, whatever becomes of those before (an open loop): what many users do. */
export class Load {
  readonly samples: Sample[] = []
  readonly #url: string
  readonly #headers: Record<string, string>
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256 })
  readonly #started = performance.now()
  readonly #pending = new Set<Promise<void>>()
  readonly #timer: NodeJS.Timeout
  #sent = 0

  /** `headers` may name a host: for a sidecar's HTTP proxy port. */
  constructor(url: string, perSecond: number, headers: Record<string, string> = {}) {
    this.#url = url
    this.#headers = headers
    this.#timer = setInterval(() => {
      const due = Math.floor(((performance.now() - this.#started) / 1000) * perSecond)
      // A stall of this process must not become a burst.
      if (due - this.#sent > perSecond) this.#sent = due - 1
      while (this.#sent < due) {
        this.#sent++
        this.#send()
      }
    }, 1)
  }

  /** As `performance.now()` was then: times of samples count from it. */
  get startedAtMs(): number {
    return this.#started
  }

  get elapsedMs(): number {
    return performance.now() - this.#started
  }

  /** Stops sending, and resolves when all that was sent is answered. */
  async stop(): Promise<readonly Sample[]> {
    clearInterval(this.#timer)
    await Promise.all(this.#pending)
    this.#agent.destroy()
    return this.samples
  }

  /** Resolves when a sample since `fromMs` satisfies; rejects after `withinMs`. */
  async until(satisfies: (sample: Sample) => boolean, withinMs: number, fromMs = 0): Promise<Sample> {
    const deadline = performance.now() + withinMs
    for (let seen = 0; ; ) {
      for (; seen < this.samples.length; seen++) {
        const sample = this.samples[seen]!
        if (sample.at >= fromMs && satisfies(sample)) return sample
      }
      if (performance.now() > deadline)
        throw new Error(`nothing of the kind within ${withinMs} ms; the last answer: ${JSON.stringify(this.samples.at(-1))}`)
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  }

  #send(): void {
    const at = this.elapsedMs
    const done = new Promise<void>(resolve => {
      const finish = (status: number, body: string) => {
        this.samples.push({ at, tookMs: this.elapsedMs - at, ok: status === 200, status, body })
        resolve()
      }
      const call = request(this.#url, { agent: this.#agent, headers: this.#headers, timeout: 10_000 }, response => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', chunk => {
          text += chunk
        })
        response.on('end', () => finish(response.statusCode ?? 0, text))
        response.on('error', error => finish(0, error.message))
      })
      call.on('timeout', () => call.destroy(new Error('no answer within 10 s')))
      call.on('error', error => finish(0, error.message))
      call.end()
    })
    this.#pending.add(done)
    void done.then(() => this.#pending.delete(done))
  }
}

export function failuresOf(samples: readonly Sample[], fromMs = 0, toMs = Number.POSITIVE_INFINITY): Sample[] {
  return samples.filter(sample => !sample.ok && sample.at >= fromMs && sample.at < toMs)
}

/** The zone of the shop's last service, as the answer tells it. */
export function servedBy(sample: Sample): string {
  return /"service":"payments","zone":"([^"]+)"/.exec(sample.body)?.[1] ?? ''
}
