import Type, { type Static } from 'typebox'
import { checkTargets } from '../check-targets.ts'
import { durationSchema } from '../duration.ts'
import type { ResourceOf, Violation } from '../kind.ts'
import { definePolicy, toItems } from '../policy-kind.ts'
import { aboveZero, atLeastOne, durationAboveZero, each, percent, violation, wholePercent } from '../rules.ts'
import { closed, defaulting, described, intOrString, numberOf } from '../schema.ts'
import { topTargetRef } from '../target-ref.ts'

const count = (description: string) => Type.Optional(Type.Integer({ minimum: 0, maximum: 4294967295, description }))
const consecutive = Type.Optional(closed({ consecutive: count('So many one after the other, and the host is left out.') }))

const connectionLimits = closed(
  {
    maxConnections: count('TCP connections to the destination.'),
    maxConnectionPools: count('Pools of connections to the destination.'),
    maxPendingRequests: count('Requests that wait for a connection.'),
    maxRetries: count('Attempts after the first one that are on their way.'),
    maxRequests: count('Requests that are on their way.'),
  },
  { description: 'What is above is refused at once instead of waiting.' },
)

const detectors = closed({
  totalFailures: consecutive,
  gatewayFailures: consecutive,
  localOriginFailures: consecutive,
  successRate: Type.Optional(
    closed({
      minimumHosts: count('With fewer hosts nothing is compared.'),
      requestVolume: count('Requests that a host must have had in the interval.'),
      standardDeviationFactor: Type.Optional(described(intOrString, 'How far below the mean a host may be, in standard deviations.')),
    }),
  ),
  failurePercentage: Type.Optional(
    closed({
      minimumHosts: count('With fewer hosts nothing is compared.'),
      requestVolume: count('Requests that a host must have had in the interval.'),
      threshold: count('Per cent of failures at which the host is left out.'),
    }),
  ),
})

const outlierDetection = closed(
  {
    disabled: Type.Optional(Type.Boolean()),
    interval: Type.Optional(described(durationSchema, 'How often hosts are weighed.')),
    baseEjectionTime: Type.Optional(described(durationSchema, 'How long a host is left out, times how often it has been.')),
    maxEjectionPercent: count('At most so many per cent of the hosts are left out.'),
    splitExternalAndLocalErrors: Type.Optional(
      Type.Boolean({ description: 'Count failures to connect apart from answers of the application.' }),
    ),
    healthyPanicThreshold: Type.Optional(
      described(intOrString, 'With fewer per cent of healthy hosts, requests go to all: healthy or not.'),
    ),
    detectors: Type.Optional(detectors),
  },
  { description: 'Hosts that fail are left out for a while.' },
)

const conf = closed({ connectionLimits: Type.Optional(connectionLimits), outlierDetection: Type.Optional(outlierDetection) })

const spec = closed({
  targetRef: Type.Optional(topTargetRef),
  rules: Type.Optional(
    Type.Array(closed({ default: defaulting(conf, {}) }), { description: 'For requests and connections that come in.' }),
  ),
  to: Type.Optional(toItems(conf)),
})

/** How much at once, and when a host is left out. */
export const meshCircuitBreakerKind = definePolicy({
  kind: 'MeshCircuitBreaker',
  short: 'mcb',
  path: 'meshcircuitbreakers',
  description: 'How many connections and requests there may be at once, and when a host that fails is left out.',
  example: {
    name: 'backend',
    spec: {
      to: [
        {
          targetRef: { kind: 'MeshService', labels: { 'kuma.io/display-name': 'backend' } },
          default: { connectionLimits: { maxConnections: 100 }, outlierDetection: { detectors: { totalFailures: { consecutive: 5 } } } },
        },
      ],
    },
  },
  spec,
  check,
  order: 1300,
})
export type MeshCircuitBreaker = ResourceOf<typeof meshCircuitBreakerKind>
export type MeshCircuitBreakerSpec = Static<typeof spec>
export type CircuitBreakerConf = Static<typeof conf>
export type ConnectionLimits = Static<typeof connectionLimits>
export type OutlierDetection = Static<typeof outlierDetection>

function check(spec: MeshCircuitBreakerSpec): Violation[] {
  const { rules = [], to = [] } = spec
  return [
    ...checkTargets(spec),
    ...(rules.length === 0 && to.length === 0 ? violation('', "at least one of 'to' or 'rules' has to be defined") : []),
    ...each(rules, 'rules', (rule, at) => checkConf(rule.default, `${at}.default`)),
    ...each(to, 'to', (item, at) => checkConf(item.default, `${at}.default`)),
  ]
}

function checkConf({ connectionLimits, outlierDetection }: CircuitBreakerConf, at: string): Violation[] {
  if (connectionLimits === undefined && outlierDetection === undefined)
    return violation(at, "at least one of: 'connectionLimits' or 'outlierDetection' should be configured")
  return [
    ...Object.entries(connectionLimits ?? {}).flatMap(([field, value]) => aboveZero(`${at}.connectionLimits.${field}`, value)),
    ...(outlierDetection === undefined ? [] : checkOutliers(outlierDetection, `${at}.outlierDetection`)),
  ]
}

function checkOutliers(conf: OutlierDetection, at: string): Violation[] {
  return [
    ...durationAboveZero(`${at}.interval`, conf.interval),
    ...durationAboveZero(`${at}.baseEjectionTime`, conf.baseEjectionTime),
    ...wholePercent(`${at}.maxEjectionPercent`, conf.maxEjectionPercent),
    ...percent(`${at}.healthyPanicThreshold`, conf.healthyPanicThreshold),
    ...checkDetectors(conf, `${at}.detectors`),
  ]
}

function checkDetectors({ detectors, disabled }: OutlierDetection, at: string): Violation[] {
  if (detectors === undefined) return disabled === true ? [] : violation(at, 'must be defined')
  const { totalFailures, gatewayFailures, localOriginFailures, successRate, failurePercentage } = detectors
  const factor = successRate?.standardDeviationFactor
  return [
    ...atLeastOne(at, detectors, 'totalFailures', 'gatewayFailures', 'localOriginFailures', 'successRate', 'failurePercentage'),
    ...Object.entries({ totalFailures, gatewayFailures, localOriginFailures }).flatMap(([detector, it]) =>
      aboveZero(`${at}.${detector}.consecutive`, it?.consecutive),
    ),
    ...Object.entries({ successRate, failurePercentage }).flatMap(([detector, it]) => [
      ...aboveZero(`${at}.${detector}.minimumHosts`, it?.minimumHosts),
      ...aboveZero(`${at}.${detector}.requestVolume`, it?.requestVolume),
    ]),
    ...(factor !== undefined && !(numberOf(factor) > 0)
      ? violation(`${at}.successRate.standardDeviationFactor`, 'must be greater than 0')
      : []),
    ...wholePercent(`${at}.failurePercentage.threshold`, failurePercentage?.threshold),
  ]
}
