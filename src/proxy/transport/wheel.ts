import type { Clock, Timer } from '../../std/clock.ts'

/** Something that may have to happen later. Set and cleared on a wheel; one object serves its owner's whole life. */
export class Alarm {
  readonly action: () => void
  /** Tick on which it goes off; 0 = not set. */
  due = 0
  previous: Alarm | null = null
  next: Alarm | null = null

  constructor(action: () => void) {
    this.action = action
  }

  get isSet(): boolean {
    return this.due !== 0
  }
}

const SLOTS = 512

/**
 * All timeouts of the data path, on one timer. An alarm goes off up to `tickMs` late, never early; setting and clearing one costs no
 * allocation and no system call, which a `setTimeout` per request would. Stands still while nothing is set.
 */
export class TimerWheel {
  readonly #clock: Clock
  readonly #tickMs: number
  readonly #faults: (error: unknown) => void
  readonly #startMs: number
  readonly #slots: Alarm[]
  #tick = 0
  #count = 0
  #timer: Timer | null = null

  /** @param faults gets what an action throws: the other alarms go off all the same */
  constructor(clock: Clock, faults: (error: unknown) => void, tickMs = 100) {
    this.#clock = clock
    this.#tickMs = tickMs
    this.#faults = faults
    this.#startMs = clock.monotonic()
    this.#slots = Array.from({ length: SLOTS }, () => ring())
  }

  /** Replaces the time of an alarm that is set already. */
  set(alarm: Alarm, ms: number): void {
    if (alarm.due !== 0) this.#unlink(alarm)
    const now = this.#clock.monotonic() - this.#startMs
    if (this.#count === 0) this.#tick = Math.floor(now / this.#tickMs)
    alarm.due = Math.max(this.#tick, Math.floor((now + ms) / this.#tickMs)) + 1
    const head = this.#slots[alarm.due % SLOTS]!
    alarm.previous = head.previous
    alarm.next = head
    head.previous!.next = alarm
    head.previous = alarm
    this.#count++
    if (this.#timer === null) this.#arm()
  }

  clear(alarm: Alarm): void {
    if (alarm.due !== 0) this.#unlink(alarm)
  }

  /** Nothing goes off any more. */
  close(): void {
    this.#timer?.cancel()
    this.#timer = null
    for (const head of this.#slots) while (head.next !== head) this.#unlink(head.next!)
  }

  #unlink(alarm: Alarm): void {
    alarm.previous!.next = alarm.next
    alarm.next!.previous = alarm.previous
    alarm.previous = alarm.next = null
    alarm.due = 0
    this.#count--
  }

  #arm(): void {
    const next = this.#startMs + (this.#tick + 1) * this.#tickMs
    this.#timer = this.#clock.setTimeout(() => this.#turn(), Math.max(1, next - this.#clock.monotonic()))
  }

  #turn(): void {
    this.#timer = null
    const now = Math.floor((this.#clock.monotonic() - this.#startMs) / this.#tickMs)
    // After a pause longer than a whole turn every slot is looked at once.
    this.#tick = Math.max(this.#tick, now - SLOTS)
    while (this.#tick < now && this.#count > 0) this.#goOff(this.#slots[++this.#tick % SLOTS]!, now)
    this.#tick = now
    if (this.#count > 0 && this.#timer === null) this.#arm()
  }

  #goOff(head: Alarm, now: number): void {
    // Taken out first: an action may set and clear others of this slot.
    const due: Alarm[] = []
    for (let alarm = head.next!; alarm !== head; alarm = alarm.next!) if (alarm.due <= now) due.push(alarm)
    for (const alarm of due) {
      if (alarm.due === 0 || alarm.due > now) continue
      this.#unlink(alarm)
      try {
        alarm.action()
      } catch (error) {
        this.#faults(error)
      }
    }
  }
}

function ring(): Alarm {
  const head = new Alarm(() => {})
  head.previous = head.next = head
  return head
}
