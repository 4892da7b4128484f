{{/* Names, labels and the parts that routers and workers have in common. */}}

{{- define "loci.name" -}}
{{- printf "%s" .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "loci.labels" -}}
app.kubernetes.io/name: loci
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "loci.selector" -}}
app.kubernetes.io/name: loci
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "loci.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "loci.clusterKeySecret" -}}
{{ .Values.clusterKey.existingSecret | default (printf "%s-cluster-key" (include "loci.name" .)) }}
{{- end -}}

{{- define "loci.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "loci.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Settings that routers and workers share. */}}
{{- define "loci.environment" -}}
- name: LOCI_LOG_FORMAT
  value: json
- name: LOCI_CLUSTER_KEY_FILE
  value: /etc/loci/cluster/cluster-key
- name: LOCI_WORKER_NETWORK
  value: {{ join "," .Values.workerNetworks | quote }}
- name: LOCI_SHUTDOWN_TIMEOUT
  value: 180s
{{- if .Values.model.name }}
- name: LOCI_MODEL
  value: {{ .Values.model.name | quote }}
{{- end }}
{{- if eq .Values.discovery "nats" }}
- name: LOCI_CLUSTER_NAME
  value: {{ .Values.nats.clusterName | quote }}
- name: LOCI_NATS
{{- if .Values.nats.existingSecret }}
  valueFrom:
    secretKeyRef:
      name: {{ .Values.nats.existingSecret }}
      key: url
{{- else }}
  value: {{ required "discovery nats needs nats.url or nats.existingSecret" .Values.nats.url | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Volumes that routers and workers share. */}}
{{- define "loci.volumes" -}}
- name: cluster-key
  secret:
    secretName: {{ include "loci.clusterKeySecret" . }}
    defaultMode: 0440
- name: tmp
  emptyDir:
    sizeLimit: 1Gi
{{- if .Values.model.existingClaim }}
- name: models
  persistentVolumeClaim:
    claimName: {{ .Values.model.existingClaim }}
    readOnly: true
{{- end }}
{{- end -}}

{{- define "loci.mounts" -}}
- name: cluster-key
  mountPath: /etc/loci/cluster
  readOnly: true
- name: tmp
  mountPath: /tmp
{{- if .Values.model.existingClaim }}
- name: models
  mountPath: /models
  readOnly: true
{{- end }}
{{- end -}}

{{/* A pod is started when it has loaded its model and, as a router, found a worker. */}}
{{- define "loci.probes" -}}
startupProbe:
  httpGet: { path: /live, port: http }
  periodSeconds: 5
  failureThreshold: 360
livenessProbe:
  httpGet: { path: /live, port: http }
  periodSeconds: 10
  timeoutSeconds: 3
  failureThreshold: 6
readinessProbe:
  httpGet: { path: /ready, port: http }
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 2
{{- end -}}
