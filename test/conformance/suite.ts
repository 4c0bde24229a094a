/** One thing that Kuma's data says. */
export interface ConformanceCase {
  /** Its address in the suite: a path below the suite's folder, without endings, e.g. `resources/crud/put_secret`. */
  readonly name: string
  /** The difference from what the data says, '' when there is none. What it throws counts as a difference. */
  readonly run: () => Promise<string> | string
}

/** Cases of one sort. Knows no case by name: what differs on purpose stands in the ledger of the same name. */
export interface ConformanceSuite {
  /** `api`, `rules` …: also its ledger, `ledger/NAME.yaml`. */
  readonly name: string
  /** What the cases need, opened once for all of them and closed after the last; the cases of a data folder. */
  readonly open: (dataFolder: string) => Promise<OpenSuite> | OpenSuite
}

export interface OpenSuite {
  readonly cases: readonly ConformanceCase[]
  readonly close?: () => Promise<void>
}
