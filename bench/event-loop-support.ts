/** Of the processor, how long this process kept the event loop in one go, ms: so that what else the machine does is not counted. */
export function watchTurns(): { end(): number } {
  let longest = 0
  let before = process.threadCpuUsage()
  const look = () => {
    const { user, system } = process.threadCpuUsage(before)
    longest = Math.max(longest, (user + system) / 1000)
    before = process.threadCpuUsage()
    next = setImmediate(look)
  }
  let next = setImmediate(look)
  return {
    end() {
      clearImmediate(next)
      return longest
    },
  }
}

/** Bytes, after all that nobody holds any more is gone; needs --expose-gc. */
export function heap(): number {
  const collect = (globalThis as { gc?: () => void }).gc!
  collect()
  collect()
  return process.memoryUsage().heapUsed
}
