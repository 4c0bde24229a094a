import type { LocalAnswer } from '../codec/local-answer.ts'
import type { HostVerdict } from '../stack/hosts-wanted.ts'

/** What a request is told whose host was asked for in vain. */
export function unknownHost(host: string, verdict: HostVerdict): LocalAnswer {
  switch (verdict) {
    case 'missing':
      return {
        status: 503,
        body: `no service is known by the name '${host}': check its spelling, and that it runs in a zone that is connected`,
      }
    case 'too-many':
      return { status: 503, body: `'${host}' cannot be looked up now: too many unknown names are being asked for` }
    default:
      return { status: 503, body: `the zone did not say in time whether a service '${host}' exists: try again` }
  }
}
