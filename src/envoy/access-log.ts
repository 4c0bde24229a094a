import { create, type JsonObject, type JsonValue, type MessageInitShape } from '@bufbuild/protobuf'
import type { AccessLogSchema } from '../gen/envoy/config/accesslog/v3/accesslog_pb.js'
import { ApiVersion } from '../gen/envoy/config/core/v3/config_source_pb.js'
import { FileAccessLogSchema } from '../gen/envoy/extensions/access_loggers/file/v3/file_pb.js'
import { OpenTelemetryAccessLogConfigSchema } from '../gen/envoy/extensions/access_loggers/open_telemetry/v3/logs_service_pb.js'
import { type AnyValue, AnyValueSchema } from '../gen/opentelemetry/proto/common/v1/common_pb.js'
import type { AccessLogFormatPlan, AccessLogPlan } from '../policy/mesh-access-log.ts'
import { collectorName, otelCollector } from './collector.ts'
import { inline, typedConfig } from './messages.ts'

type AccessLog = MessageInitShape<typeof AccessLogSchema>

/** https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/access_log. A TCP backend is not Envoy's to write to: the agent
 *  beside it would have to. */
export function accessLogs(plans: readonly AccessLogPlan[]): AccessLog[] {
  return plans.flatMap(plan => accessLog(plan) ?? [])
}

function accessLog(plan: AccessLogPlan): AccessLog | null {
  switch (plan.type) {
    case 'file': {
      const accessLogFormat = { case: 'logFormat' as const, value: formatOf(plan.format) }
      return { name: 'envoy.access_loggers.file', configType: typedConfig(FileAccessLogSchema, { path: plan.path, accessLogFormat }) }
    }
    case 'tcp':
      return null
    case 'otel': {
      const clusterName = collectorName(otelCollector(plan.endpoint))
      return {
        name: 'envoy.access_loggers.open_telemetry',
        configType: typedConfig(OpenTelemetryAccessLogConfigSchema, {
          commonConfig: {
            logName: 'skerry',
            transportApiVersion: ApiVersion.V3,
            grpcService: { targetSpecifier: { case: 'envoyGrpc', value: { clusterName } } },
          },
          body: anyValue(plan.body),
          attributes: { values: plan.attributes.map(({ key, value }) => ({ key, value: anyValue(value) })) },
        }),
      }
    }
  }
}

function formatOf(format: AccessLogFormatPlan) {
  const { omitEmpty } = format
  if (format.type === 'plain')
    return { omitEmptyValues: omitEmpty, format: { case: 'textFormatSource' as const, value: inline(format.text) } }
  const fields: JsonObject = Object.fromEntries(format.fields.map(({ key, value }) => [key, value]))
  return { omitEmptyValues: omitEmpty, format: { case: 'jsonFormat' as const, value: fields } }
}

/** https://opentelemetry.io/docs/specs/otel/logs/data-model/#type-any */
function anyValue(value: unknown): AnyValue {
  if (Array.isArray(value)) return create(AnyValueSchema, { value: { case: 'arrayValue', value: { values: value.map(anyValue) } } })
  switch (typeof value) {
    case 'boolean':
      return create(AnyValueSchema, { value: { case: 'boolValue', value } })
    case 'number':
      return create(AnyValueSchema, { value: { case: 'doubleValue', value } })
    case 'object': {
      const values = Object.entries((value ?? {}) as Record<string, JsonValue>).map(([key, part]) => ({ key, value: anyValue(part) }))
      return create(AnyValueSchema, { value: { case: 'kvlistValue', value: { values } } })
    }
    default:
      return create(AnyValueSchema, { value: { case: 'stringValue', value: String(value ?? '') } })
  }
}
