/** One measured figure of a bench. */
export interface Figure {
  /** What was measured, as a sentence without its number: `workload registered → first routed request, same zone`. */
  readonly name: string
  readonly value: number
  readonly unit: string
  /** What it should be at most. */
  readonly goal?: number
  /** What it should be at least, where more is better. */
  readonly least?: number
  /** What others did in the same situation: `{ 'Kuma 3': '6.3 s' }`. */
  readonly others?: Readonly<Record<string, string>>
}

/** What every `bench/NAME.ts` but this, `main.ts` and `*-support.ts` exports. */
export interface Bench {
  /** One line for the list. */
  readonly about: string
  run(args: readonly string[]): Promise<readonly Figure[]>
}

/** `bench/recorded.json`: bench → figure → what was measured when. */
export type Recorded = Readonly<Record<string, Readonly<Record<string, RecordedFigure>>>>

export interface RecordedFigure {
  readonly value: number
  readonly unit: string
  /** YYYY-MM-DD */
  readonly date: string
  /** Processors and their number: figures of different machines do not compare. */
  readonly machine: string
}
