import type { MessageInitShape } from '@bufbuild/protobuf'
import { HeaderValueOption_HeaderAppendAction as AppendAction } from '../gen/envoy/config/core/v3/base_pb.js'
import type { HealthCheckSchema } from '../gen/envoy/config/core/v3/health_check_pb.js'
import { HealthCheckEventFileSinkSchema } from '../gen/envoy/extensions/health_check/event_sinks/file/v3/file_pb.js'
import type { HealthCheckMethod, HealthCheckPlan } from '../policy/mesh-health-check.ts'
import { duration, packed } from './messages.ts'

type HealthCheck = MessageInitShape<typeof HealthCheckSchema>

/** https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/core/v3/health_check.proto */
export function healthCheck(plan: HealthCheckPlan): HealthCheck {
  return {
    interval: duration(plan.intervalMs),
    timeout: duration(plan.timeoutMs),
    unhealthyThreshold: plan.unhealthyThreshold,
    healthyThreshold: plan.healthyThreshold,
    initialJitter: duration(plan.initialJitterMs),
    intervalJitter: duration(plan.intervalJitterMs),
    intervalJitterPercent: plan.intervalJitterPercent,
    noTrafficInterval: duration(plan.noTrafficIntervalMs),
    reuseConnection: plan.reuseConnection,
    alwaysLogHealthCheckFailures: plan.alwaysLogFailures,
    ...(plan.eventLogPath === null
      ? {}
      : {
          eventLogger: [
            {
              name: 'envoy.health_check.event_sinks.file',
              typedConfig: packed(HealthCheckEventFileSinkSchema, { eventLogPath: plan.eventLogPath }),
            },
          ],
        }),
    healthChecker: checker(plan.check),
  }
}

function checker(check: HealthCheckMethod): NonNullable<HealthCheck['healthChecker']> {
  switch (check.type) {
    case 'http':
      return {
        case: 'httpHealthCheck',
        value: {
          path: check.path,
          expectedStatuses: check.statuses.map(status => ({ start: BigInt(status), end: BigInt(status + 1) })),
          requestHeadersToAdd: [
            ...check.set.map(({ name, value }) => ({
              header: { key: name, value },
              appendAction: AppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
            })),
            ...check.add.map(({ name, value }) => ({ header: { key: name, value }, appendAction: AppendAction.APPEND_IF_EXISTS_OR_ADD })),
          ],
        },
      }
    case 'grpc':
      return { case: 'grpcHealthCheck', value: { serviceName: check.serviceName, authority: check.authority } }
    case 'tcp': {
      const payload = (base64: string) => ({ payload: { case: 'text' as const, value: Buffer.from(base64, 'base64').toString('hex') } })
      return {
        case: 'tcpHealthCheck',
        value: { ...(check.send === null ? {} : { send: payload(check.send) }), receive: check.receive.map(payload) },
      }
    }
  }
}
