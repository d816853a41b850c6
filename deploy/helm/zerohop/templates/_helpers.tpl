{{/* Whether addresses of both families are served. */}}
{{- define "zerohop.isDualStack" -}}
{{- $all := join " " .Values.localIPs -}}
{{- if and (contains ":" $all) (contains "." $all) -}}true{{- end -}}
{{- end -}}

{{/* kube-dns's ClusterIPs, which the cache takes over, with commas between them; empty in IPVS mode. */}}
{{- define "zerohop.dnsServers" -}}
{{- if ne .Values.mode "ipvs" -}}
{{- $service := lookup "v1" "Service" "kube-system" .Values.kubeDNS.serviceName -}}
{{- $found := dig "spec" "clusterIP" "" $service -}}
{{- if include "zerohop.isDualStack" . -}}
{{- $found = join "," (dig "spec" "clusterIPs" (list) $service) -}}
{{- end -}}
{{- required "kubeDNS.clusterIP: the ClusterIP of the Service kube-dns, since the cluster does not say it here" (.Values.kubeDNS.clusterIP | default $found) -}}
{{- end -}}
{{- end -}}

{{/* All served addresses, joined by what follows: a list of the context and the separator. */}}
{{- define "zerohop.addresses" -}}
{{- $root := index . 0 -}}
{{- $addresses := $root.Values.localIPs -}}
{{- with include "zerohop.dnsServers" $root -}}
{{- $addresses = concat $addresses (splitList "," .) -}}
{{- end -}}
{{- join (index . 1) $addresses -}}
{{- end -}}

{{/* What the Corefile binds to. In the pod network, where Cilium brings queries, the pod has nothing else. */}}
{{- define "zerohop.bind" -}}
{{- if eq .Values.mode "cilium" -}}0.0.0.0{{- else -}}{{ include "zerohop.addresses" (list . " ") }}{{- end -}}
{{- end -}}

{{- define "zerohop.healthAddress" -}}
{{- if ne .Values.mode "cilium" -}}
{{- $first := first .Values.localIPs -}}
{{- if contains ":" $first -}}[{{ $first }}]{{- else -}}{{ $first }}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "zerohop.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "zerohop.corefile" -}}
{{- $bind := include "zerohop.bind" . -}}
{{ .Values.clusterDomain }}:53 {
    errors
    cache {
        success 9984 30
        denial 9984 5
        serve_stale 1h verify
    }
    reload
    loop
    bind {{ $bind }}
    forward . __PILLAR__CLUSTER__DNS__ {
        force_tcp
    }
    prometheus :9253
    health {{ include "zerohop.healthAddress" . }}:8080
}
{{- range list "in-addr.arpa" "ip6.arpa" }}
{{ . }}:53 {
    errors
    cache 30 {
        serve_stale 1h verify
    }
    reload
    loop
    bind {{ $bind }}
    forward . __PILLAR__CLUSTER__DNS__ {
        force_tcp
    }
    prometheus :9253
}
{{- end }}
.:53 {
    errors
    cache 30 {
        serve_stale 1h verify
    }
    reload
    loop
    bind {{ $bind }}
    forward . __PILLAR__UPSTREAM__SERVERS__
    prometheus :9253
}
{{- end -}}
