{{- define "skerry.name" -}}
{{ default .Release.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "skerry.image" -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}

{{- define "skerry.serviceAccount" -}}
{{ default (include "skerry.name" .) .Values.serviceAccount.name }}
{{- end }}

{{- define "skerry.labels" -}}
app.kubernetes.io/name: skerry
app.kubernetes.io/instance: {{ include "skerry.name" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "skerry.selector" -}}
app.kubernetes.io/instance: {{ include "skerry.name" . }}
app.kubernetes.io/component: control-plane
{{- end }}

{{- /* Does the API server say whose a proxy's token is? */ -}}
{{- define "skerry.attests" -}}
{{- if and (eq .Values.mode "zone") (or .Values.injection.enabled (and .Values.zoneGateway.enabled (not .Values.zoneGateway.tokenSecret.name))) -}}true{{- end -}}
{{- end }}

{{- /* As the control plane names the workload of the gateway's pods: with their namespace, unless that is default. */ -}}
{{- define "skerry.gatewayWorkload" -}}
zone-gateway{{ if ne .Release.Namespace "default" }}-{{ .Release.Namespace }}{{ end }}
{{- end }}

{{- define "skerry.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "skerry.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- /* What of this cluster is in a mesh is in one mesh. */ -}}
{{- define "skerry.mesh" -}}
{{- $mesh := "" -}}
{{- range $part := list .Values.injection .Values.zoneGateway .Values.routes -}}
{{- if $part.enabled -}}
{{- if and $mesh (ne $mesh $part.mesh) -}}{{- fail "injection.mesh, zoneGateway.mesh, routes.mesh: pods of a cluster are of one mesh" -}}{{- end -}}
{{- $mesh = $part.mesh -}}
{{- end -}}
{{- end -}}
{{- default "default" $mesh -}}
{{- end }}
