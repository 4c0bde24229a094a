import type { Revision } from '../../model/resource.ts'

/** Commits that may share a transaction of etcd, at most. */
export const commitsPerTransaction = 128

/**
 * A store's revision is etcd's revision and the commit's place in that transaction, so that commits made durable together have one each,
 * in order. Both fit a number exactly: etcd would have to count to 2^46.
 */
export function storeRevision(etcd: number, place = 0): Revision {
  return etcd * commitsPerTransaction + place
}

export function etcdRevision(revision: Revision): number {
  return Math.floor(revision / commitsPerTransaction)
}

const mark = '\u0001'

/** The text under a record's key: its value, and before it the place where that is not the first. */
export function recordText(value: string, place: number): string {
  return place === 0 && !value.startsWith(mark) ? value : `${mark}${place}${mark}${value}`
}

export function parseRecordText(text: string): { readonly value: string; readonly place: number } {
  if (!text.startsWith(mark)) return { value: text, place: 0 }
  const end = text.indexOf(mark, 1)
  return { value: text.slice(end + 1), place: Number(text.slice(1, end)) }
}

/** What the head's value says of the transaction that wrote it. */
export interface TransactionNote {
  /** Events on records; undefined where that is not certain beforehand: a delete without an expectation may make none. */
  readonly events: number | undefined
  /** Of its last commit. */
  readonly lastPlace: number
}

export function headText({ events, lastPlace }: TransactionNote): string {
  return `${events ?? ''}${lastPlace === 0 ? '' : `+${lastPlace}`}`
}

export function parseHeadText(text: string): TransactionNote {
  const [events = '', lastPlace = '0'] = text.split('+')
  return { events: events === '' ? undefined : Number(events), lastPlace: Number(lastPlace) }
}
