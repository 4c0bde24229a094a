/** How many places of a difference are shown. */
const SHOWN = 6

/** Where two JSON values differ, a line for each place: `/items/0/name: "a", expected "b"`. '' when they are equal. */
export function jsonDifference(actual: unknown, expected: unknown): string {
  const lines = [...differences(actual, expected, '')]
  const more = lines.length - SHOWN
  return [...lines.slice(0, SHOWN), ...(more > 0 ? [`… and ${more} more`] : [])].join('\n')
}

function* differences(actual: unknown, expected: unknown, at: string): Generator<string> {
  if (Array.isArray(actual) && Array.isArray(expected)) {
    for (let i = 0; i < Math.max(actual.length, expected.length); i++) yield* differences(actual[i], expected[i], `${at}/${i}`)
  } else if (isObject(actual) && isObject(expected)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
      yield* differences(actual[key], expected[key], `${at}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`)
    }
  } else if (!Object.is(actual, expected)) {
    yield `${at || '/'}: ${show(actual)}, expected ${show(expected)}`
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = JSON.stringify(value)
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
