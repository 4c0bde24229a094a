import type { AccessLogBackend, AccessLogConf, AccessLogFormat } from '../model/kinds/mesh-access-log.ts'
import type { OtelEndpointPlan, ResolveOtelBackend } from './otel-backend.ts'

/** Where a line for each request or connection goes, with Kuma's own placeholders (`%KUMA_MESH%`) already replaced. */
export type AccessLogPlan =
  | { readonly type: 'file'; readonly path: string; readonly format: AccessLogFormatPlan }
  | { readonly type: 'tcp'; readonly address: string; readonly format: AccessLogFormatPlan }
  | {
      readonly type: 'otel'
      readonly endpoint: OtelEndpointPlan
      readonly attributes: readonly { readonly key: string; readonly value: string }[]
      /** Any JSON whose texts hold placeholders. */
      readonly body: unknown
    }

/** With Envoy's command operators. https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage */
export type AccessLogFormatPlan =
  | { readonly type: 'plain'; readonly text: string; readonly omitEmpty: boolean }
  | { readonly type: 'json'; readonly fields: readonly { readonly key: string; readonly value: string }[]; readonly omitEmpty: boolean }

/** What Kuma's placeholders stand for on one listener. */
export interface AccessLogSubject {
  readonly mesh: string
  readonly direction: 'INBOUND' | 'OUTBOUND'
  readonly source: { readonly service: string; readonly zone: string; readonly address: string }
  readonly destination: { readonly service: string; readonly zone: string }
  readonly protocol: 'http' | 'tcp'
}

/** A backend that refers to nothing is left out; `resolve` has reported it. https://kuma.io/docs/latest/policies/meshaccesslog/ */
export function planAccessLog({ backends = [] }: AccessLogConf, subject: AccessLogSubject, resolve: ResolveOtelBackend): AccessLogPlan[] {
  return backends.flatMap(backend => planBackend(backend, subject, resolve))
}

function planBackend(backend: AccessLogBackend, subject: AccessLogSubject, resolve: ResolveOtelBackend): AccessLogPlan[] {
  switch (backend.type) {
    case 'File':
      return [{ type: 'file', path: backend.file.path, format: formatOf(backend.file.format, subject) }]
    case 'Tcp':
      return [{ type: 'tcp', address: backend.tcp.address, format: formatOf(backend.tcp.format, subject) }]
    case 'OpenTelemetry': {
      const { backendRef, attributes = [], body } = backend.openTelemetry
      const endpoint = resolve(backendRef)
      if (!endpoint) return []
      const replace = (text: string) => replaced(text, subject)
      return [
        {
          type: 'otel',
          endpoint,
          attributes: attributes.map(({ key, value }) => ({ key, value: replace(value) })),
          body: body === undefined ? replace(defaultText(subject)) : replacedDeep(body, replace),
        },
      ]
    }
  }
}

function formatOf(format: AccessLogFormat | undefined, subject: AccessLogSubject): AccessLogFormatPlan {
  const omitEmpty = format?.omitEmptyValues ?? false
  if (format?.type === 'Json') {
    const fields = (format.json ?? []).map(({ key, value }) => ({ key, value: replaced(value, subject) }))
    return { type: 'json', fields, omitEmpty }
  }
  const text = format?.plain ? replaced(format.plain, subject) : replaced(defaultText(subject), subject)
  return { type: 'plain', text: text.endsWith('\n') ? text : `${text}\n`, omitEmpty }
}

function defaultText({ protocol }: AccessLogSubject): string {
  return protocol === 'http' ? httpText : tcpText
}

const httpText =
  '[%START_TIME%] %KUMA_MESH% "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%KUMA_SOURCE_SERVICE%" "%KUMA_DESTINATION_SERVICE%" "%KUMA_SOURCE_ADDRESS_WITHOUT_PORT%" "%UPSTREAM_HOST%"'
const tcpText =
  '[%START_TIME%] %RESPONSE_FLAGS% %KUMA_MESH% %KUMA_SOURCE_ADDRESS_WITHOUT_PORT%(%KUMA_SOURCE_SERVICE%)->%UPSTREAM_HOST%(%KUMA_DESTINATION_SERVICE%) took %DURATION%ms, sent %BYTES_SENT% bytes, received: %BYTES_RECEIVED% bytes'

/** https://kuma.io/docs/latest/policies/meshaccesslog/#format */
function replaced(text: string, { mesh, direction, source, destination }: AccessLogSubject): string {
  const values: Readonly<Record<string, string>> = {
    KUMA_MESH: mesh,
    KUMA_TRAFFIC_DIRECTION: direction,
    KUMA_SOURCE_SERVICE: source.service,
    KUMA_SOURCE_ZONE: source.zone,
    KUMA_SOURCE_ADDRESS: `${source.address}:0`,
    KUMA_SOURCE_ADDRESS_WITHOUT_PORT: source.address,
    KUMA_DESTINATION_SERVICE: destination.service,
    KUMA_DESTINATION_ZONE: destination.zone,
  }
  return text.replace(/%(KUMA_[A-Z_]+)%/g, (whole, name: string) => values[name] ?? whole)
}

function replacedDeep(value: unknown, replace: (text: string) => string): unknown {
  if (typeof value === 'string') return replace(value)
  if (Array.isArray(value)) return value.map(item => replacedDeep(item, replace))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, replacedDeep(part, replace)]))
}
