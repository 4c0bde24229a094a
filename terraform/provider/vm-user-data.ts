import Type, { type Static } from 'typebox'
import { stringify } from 'yaml'
import { checkSchema } from '../../src/model/check-schema.ts'
import { durationSchema } from '../../src/model/duration.ts'
import { closed, dnsLabel, labelMap, nonEmpty } from '../../src/model/schema.ts'

const config = closed({
  control_plane: Type.String({ pattern: '^[^:/ ]+:[0-9]+$', mustBe: "HOST:PORT of the zone's control plane" }),
  service: dnsLabel,
  mesh: Type.Optional(nonEmpty),
  name: Type.Optional(nonEmpty),
  address: Type.Optional(nonEmpty),
  ports: Type.Optional(Type.Array(Type.String({ pattern: '^([a-z0-9-]+:)?[0-9]+(/[a-z0-9]+)?$', mustBe: '[NAME:]PORT[/PROTOCOL]' }))),
  health: Type.Optional(nonEmpty),
  labels: Type.Optional(labelMap),
  ca_certificate: Type.Optional(Type.String({ pattern: '-----BEGIN CERTIFICATE-----', mustBe: 'a certificate in PEM' })),
  token_command: Type.Optional(nonEmpty),
  install_command: Type.Optional(nonEmpty),
  drain_timeout: Type.Optional(durationSchema),
  environment: Type.Optional(labelMap),
})

type VmConfig = Static<typeof config>

const directory = '/etc/skerry'
const tokenFile = '/run/skerry/token'

/** User data for cloud-init, or all that is wrong with what was asked for. https://cloudinit.readthedocs.io/en/latest/reference/modules.html */
export function vmUserData(
  wanted: unknown,
): { readonly kind: 'ok'; readonly text: string } | { readonly kind: 'invalid'; readonly reason: string } {
  const { value, violations } = checkSchema(config, wanted ?? {}, '', 'refuse')
  if (violations.length > 0) return { kind: 'invalid', reason: violations.map(({ field, reason }) => `${field}: ${reason}`).join('; ') }
  const vm = value as VmConfig
  const cloudConfig = {
    write_files: [
      { path: `${directory}/proxy.env`, permissions: '0640', content: environmentFile(vm) },
      ...(vm.ca_certificate === undefined ? [] : [{ path: `${directory}/ca.pem`, permissions: '0644', content: vm.ca_certificate }]),
      ...(vm.token_command === undefined
        ? []
        : [{ path: `${directory}/fetch-token`, permissions: '0700', content: fetchToken(vm.token_command) }]),
      { path: '/etc/systemd/system/skerry-proxy.service', permissions: '0644', content: unit(vm) },
    ],
    runcmd: [
      ...(vm.install_command === undefined ? [] : [['sh', '-c', vm.install_command]]),
      ['systemctl', 'daemon-reload'],
      ['systemctl', 'enable', '--now', 'skerry-proxy.service'],
    ],
  }
  return { kind: 'ok', text: `#cloud-config\n${stringify(cloudConfig, { lineWidth: 0 })}` }
}

function environmentFile(vm: VmConfig): string {
  const settings: Record<string, string | undefined> = {
    SKERRY_CP: vm.control_plane,
    SKERRY_SERVICE: vm.service,
    SKERRY_MESH: vm.mesh,
    SKERRY_NAME: vm.name,
    SKERRY_ADDRESS: vm.address,
    SKERRY_PORT: vm.ports?.join(','),
    SKERRY_HEALTH: vm.health,
    SKERRY_LABEL:
      vm.labels &&
      Object.entries(vm.labels)
        .map(([label, text]) => `${label}=${text}`)
        .join(','),
    SKERRY_CP_CA_FILE: vm.ca_certificate === undefined ? undefined : `${directory}/ca.pem`,
    SKERRY_DATAPLANE_TOKEN_FILE: tokenFile,
    SKERRY_DRAIN_TIMEOUT: vm.drain_timeout,
    ...vm.environment,
  }
  return Object.entries(settings)
    .filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '')
    .map(([name, text]) => `${name}=${quoted(text)}\n`)
    .join('')
}

/** As systemd reads an EnvironmentFile. https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html#EnvironmentFile= */
function quoted(text: string): string {
  return /^[A-Za-z0-9_./:@,=+-]+$/.test(text) ? text : `"${text.replace(/["\\$`]/g, '\\$&')}"`
}

function fetchToken(command: string): string {
  return `#!/bin/sh\nset -eu\numask 077\n${command} > ${tokenFile}.new\nmv ${tokenFile}.new ${tokenFile}\n`
}

function unit(vm: VmConfig): string {
  const lines = [
    '[Unit]',
    'Description=Skerry proxy',
    'Wants=network-online.target',
    'After=network-online.target',
    '',
    '[Service]',
    'RuntimeDirectory=skerry',
    'RuntimeDirectoryMode=0700',
    `EnvironmentFile=${directory}/proxy.env`,
    ...(vm.token_command === undefined ? [] : [`ExecStartPre=${directory}/fetch-token`]),
    'ExecStart=/usr/bin/env skerry proxy run',
    'Restart=always',
    'RestartSec=2',
    'TimeoutStopSec=60',
    '',
    '[Install]',
    'WantedBy=multi-user.target',
    '',
  ]
  return lines.join('\n')
}
