import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateHostname, type NameableService } from './hostname-generator.ts'
import { aGenerator, aService } from './test-support.ts'

test('a template is filled from the service; what has no zone is of this one', () => {
  const service = aService('web', { zone: 'east', labels: { team: 'pay', 'k8s.kuma.io/namespace': 'shop' } })
  const check = (template: string, hostname: string, of: NameableService = service) =>
    assert.deepEqual(generateHostname(aGenerator('g', template), of, 'here'), { kind: 'name', hostname }, template)

  check('{{ .DisplayName }}.svc.{{ .Zone }}.mesh.local', 'web.svc.east.mesh.local')
  check('{{.Name}}.{{ .Namespace }}.{{ .Mesh }}', 'web.shop.default')
  check('{{ label "team" }}.{{- .DisplayName -}}  .local', 'pay.web.local')
  check('{{ .DisplayName }}.{{ .Zone }}', 'web.here', aService('web'))
})

test('a template that cannot be filled, and what is no DNS name, is said to be so', () => {
  const check = (template: string, reason: RegExp) => {
    const generated = generateHostname(aGenerator('g', template), aService('web'), '')
    assert.ok(generated.kind === 'failed' && reason.test(generated.reason), `${template}: ${JSON.stringify(generated)}`)
  }

  check('{{ label "team" }}.mesh', /label team not found/)
  check('{{ .Bogus }}.mesh', /\.Bogus/)
  check('{{ .DisplayName ', /not closed/)
  check('{{ if .Name }}x{{ end }}', /couldn't parse/)
  check('{{ .DisplayName }}_x', /not a DNS name/)
  check('{{ .DisplayName }}.{{ .Zone }}.mesh', /not a DNS name/)
})

test('a selector that names labels takes those services only, and one of another kind none', () => {
  const ofTeam = {
    ...aGenerator('g', '{{ .Name }}'),
    spec: { selector: { meshService: { matchLabels: { team: 'pay' } } }, template: '{{ .Name }}' },
  }
  const ofOthers = { ...aGenerator('g', '{{ .Name }}'), spec: { selector: { meshExternalService: {} }, template: '{{ .Name }}' } }

  assert.equal(generateHostname(ofTeam, aService('web', { labels: { team: 'pay' } }), '').kind, 'name')
  assert.equal(generateHostname(ofTeam, aService('web'), '').kind, 'none')
  assert.equal(generateHostname(ofOthers, aService('web'), '').kind, 'none')
})
