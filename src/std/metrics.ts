import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** A program's own metrics: made by its main file, handed to who counts. Labels stay few. */
export class Metrics {
  readonly #registry = new Registry()

  counter<Label extends string = never>(name: string, help: string, labelNames: readonly Label[] = []): Counter<Label> {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.#registry] })
  }

  /** @param collect sets the value just before it is read */
  gauge<Label extends string = never>(
    name: string,
    help: string,
    labelNames: readonly Label[] = [],
    collect?: (gauge: Gauge<Label>) => void,
  ): Gauge<Label> {
    return new Gauge({
      name,
      help,
      labelNames: [...labelNames],
      registers: [this.#registry],
      ...(collect && {
        collect() {
          collect(this)
        },
      }),
    })
  }

  /** @param buckets upper bounds, in the unit that the name ends with */
  histogram<Label extends string = never>(
    name: string,
    help: string,
    buckets: readonly number[],
    labelNames: readonly Label[] = [],
  ): Histogram<Label> {
    return new Histogram({ name, help, labelNames: [...labelNames], buckets: [...buckets], registers: [this.#registry] })
  }

  /** In the Prometheus text format. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }
}
