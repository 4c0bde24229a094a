import Type, { type Static } from 'typebox'
import { defineKind, type ResourceOf, type Violation } from '../kind.ts'
import { violation } from '../rules.ts'
import { closed, matchLabels } from '../schema.ts'
import { templateProblem } from '../template.ts'

const services = Type.Optional(matchLabels)

const spec = closed({
  selector: Type.Optional(
    closed(
      { meshService: services, meshExternalService: services, meshMultiZoneService: services },
      { description: 'The services that get a name: of one of these kinds.' },
    ),
  ),
  template: Type.String({
    otherwise: 'must not be empty',
    description:
      'As `{{ .DisplayName }}.svc.{{ .Zone }}.mesh.local`; there are .Name, .DisplayName, .Namespace, .Mesh, .Zone and label "key".',
  }),
  extension: Type.Optional(
    closed({ type: Type.String({ minLength: 1, otherwise: 'must not be empty' }), config: Type.Optional(Type.Unknown()) }),
  ),
})

/** Under which names services are reached, in every mesh. */
export const hostnameGeneratorKind = defineKind({
  kind: 'HostnameGenerator',
  short: 'hg',
  path: 'hostnamegenerators',
  scope: 'global',
  shape: 'spec',
  sync: 'both',
  naming: 'rfc1123',
  description: 'Under which names services are reached, in every mesh.',
  example: {
    name: 'local-services',
    spec: { selector: { meshService: { matchLabels: {} } }, template: '{{ .DisplayName }}.svc.mesh.local' },
  },
  spec,
  check,
  columns: [{ title: 'TEMPLATE', value: ({ spec }) => spec.template }],
})
export type HostnameGenerator = ResourceOf<typeof hostnameGeneratorKind>
export type HostnameGeneratorSpec = Static<typeof spec>

/** What templates hold, and a value for each with which a name can be tried. */
const fields: Readonly<Record<string, string>> = {
  Name: 'name',
  DisplayName: 'displayname',
  Namespace: 'namespace',
  Mesh: 'mesh',
  Zone: 'zone',
}

function check({ selector = {}, template }: HostnameGeneratorSpec): Violation[] {
  return [
    ...(Object.keys(selector).length === 1
      ? []
      : violation('selector', 'exact one selector (meshService, meshExternalService) must be defined; or meshMultiZoneService')),
    ...checkTemplate(template),
  ]
}

function checkTemplate(template: string): Violation[] {
  if (template === '') return violation('template', 'must not be empty')
  const problem = templateProblem(template, ['label'])
  if (problem !== null) return violation('template', problem)
  const unknown = [...template.matchAll(/[{]{2}-?\s*[.](\w+)/g)].map(([, field = '']) => field).find(field => fields[field] === undefined)
  if (unknown !== undefined)
    return violation(
      'template',
      `couldn't render template with stub values: can't evaluate field ${unknown}; there are ${Object.keys(fields).join(', ')}`,
    )
  const rendered = template
    .replace(/[{]{2}-?\s*[.](\w+)[^}]*[}]{2}/g, (_, field: string) => fields[field] ?? '')
    .replace(/[{]{2}[^}]*[}]{2}/g, 'label')
  if (/^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(rendered) && rendered.length <= 253) return []
  return violation('template', `template renders to "${rendered}" which is not a valid DNS name`)
}
