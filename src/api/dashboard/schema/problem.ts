import type { Static } from 'typebox'
import { choice, pageOf, shape, subject, text, time } from './common.ts'

/** `critical`: traffic or safety suffers now. `warning`: partly, or soon. `info`: worth knowing. In this order. */
export const severities = ['critical', 'warning', 'info'] as const
export type Severity = (typeof severities)[number]

export const problem = shape(
  {
    id: text('the same as long as the problem lasts'),
    code: text('stable, SKERRY_…'),
    severity: choice(severities, 'critical: traffic or safety suffers now; warning: partly, or soon; info: worth knowing'),
    since: time('when it began, as far as this control plane knows'),
    cause: text('why, in words'),
    fix: text('what to do'),
    subject,
    link: text('path of this API that shows it'),
  },
  { description: 'something that is wrong' },
)
export type Problem = Static<typeof problem>

export const problemPage = pageOf(problem, 'problems, the worst first')
