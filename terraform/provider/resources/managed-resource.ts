import type { KindDefinition } from '../../../src/model/kind.ts'
import { hasUnknown, type ObjectValue, type Value } from '../../sdk/cty/value.ts'
import { type Problem, ProviderError } from '../../sdk/provider/problem.ts'
import type { Resource } from '../../sdk/provider/provider.ts'
import { type Attributes, isGiven } from '../../sdk/provider/schema.ts'
import type { Answer, ControlPlane } from '../client/control-plane.ts'
import { codeOf, problemsOfAnswer, requireSuccess } from '../client/refusal.ts'
import { carryOver, hasCarriedOver } from './carry-over.ts'
import type { Codec, ShownResource } from './codec.ts'
import { apiPath, formatId, type Key } from './resource-key.ts'

const common: Attributes = {
  id: { type: 'string', computed: true, description: 'What it is imported by: `MESH/NAME`, or `NAME` for what is in no mesh.' },
  revision: {
    type: 'number',
    computed: true,
    isVolatile: true,
    description: 'The revision of the control plane at which it last became what it is.',
  },
}

/**
 * A resource of the control plane's. It is created only where there is none, and changed only where it still is what Terraform last
 * saw, so that nobody's work is lost without a word.
 */
export function managedResource(codec: Codec): Resource<ControlPlane> {
  const kindOf = (values: ObjectValue): KindDefinition => {
    const kind = codec.kindOf(values)
    if (kind === undefined) throw new ProviderError({ summary: 'The kind is not known' })
    return kind
  }
  const locate = (values: ObjectValue) => {
    const kind = kindOf(values)
    const key = keyOf(kind, values)
    return { kind, key, path: apiPath(kind, key) }
  }
  const stateOf = (shown: ShownResource, was: ObjectValue, { etag }: Answer): ObjectValue => {
    const state = codec.toState(shown, was)
    const isAsBefore = Object.keys(codec.attributes).every(name => state[name] === was[name])
    return {
      ...state,
      id: formatId(keyOf(kindOf(state), state)),
      revision: isAsBefore && isGiven(was.revision) ? was.revision : revisionOf(etag),
    }
  }
  const put = (client: ControlPlane, path: string, body: unknown, condition: Record<string, string>) =>
    client.send('PUT', path, { body, headers: condition })
  /** The body of an update, with what it must leave as it is. */
  const bodyOfUpdate = async (client: ControlPlane, kind: KindDefinition, path: string, planned: ObjectValue, config: ObjectValue) => {
    const body = codec.toBody(planned, config)
    if (!hasCarriedOver(kind)) return body
    const now = await client.send('GET', path)
    return now.status === 404 ? body : carryOver(kind, body, requireSuccess(now).body as ShownResource)
  }
  const written = (planned: ObjectValue, { etag }: Answer): ObjectValue => ({
    ...planned,
    id: formatId(keyOf(kindOf(planned), planned)),
    revision: revisionOf(etag),
  })

  return {
    description: codec.description,
    attributes: { ...common, ...codec.attributes },
    validate: config => codec.validate(config),

    async review(client, planned, prior) {
      const { id: _, revision: __, ...own } = planned
      if (hasUnknown(own)) return []
      const { path } = locate(planned)
      const answer = await client.send('PUT', `${path}?dryRun=true`, { body: codec.toBody(planned, planned) }).catch((error: unknown) => {
        if (prior === null && error instanceof ProviderError) return error
        throw error
      })
      // The control plane may be made by this very plan: it has its say when the plan is applied.
      if (answer instanceof ProviderError) return answer.problems.map(problem => ({ ...problem, severity: 'warning' as const }))
      return reviewed(answer, codec, prior === null)
    },

    async create(client, planned, config) {
      const { kind, key, path } = locate(planned)
      const answer = await put(client, path, codec.toBody(planned, config), { 'if-none-match': '*' })
      if (answer.status === 412) throw new ProviderError(alreadyExists(kind, key))
      return written(planned, requireSuccess(answer, codec.attributeOf))
    },

    async read(client, state) {
      const answer = await client.send('GET', locate(state).path)
      if (answer.status === 404) return null
      requireSuccess(answer)
      return stateOf(answer.body as ShownResource, state, answer)
    },

    async update(client, planned, prior, config) {
      const { kind, key, path } = locate(planned)
      const body = await bodyOfUpdate(client, kind, path, planned, config)
      let answer = await put(client, path, body, { 'if-match': `"${String(prior.revision)}"` })
      if (answer.status === 412) {
        // A status that the control plane wrote makes another revision, and is nobody's change.
        const now = await client.send('GET', path)
        if (now.status === 404) throw new ProviderError(isGone(kind, key))
        const state = stateOf(requireSuccess(now).body as ShownResource, prior, now)
        if (state.revision !== prior.revision || now.etag === undefined) throw new ProviderError(isChanged(kind, key))
        answer = await put(client, path, carryOver(kind, body, now.body as ShownResource), { 'if-match': now.etag })
        if (answer.status === 412) throw new ProviderError(isChanged(kind, key))
      }
      return written(planned, requireSuccess(answer, codec.attributeOf))
    },

    async delete(client, state) {
      const answer = await client.send('DELETE', locate(state).path)
      if (answer.status !== 404) requireSuccess(answer)
    },

    import: id => ({ ...codec.fromId(id), id }),
  }
}

function keyOf(kind: KindDefinition, { mesh, name }: ObjectValue): Key {
  return { mesh: kind.scope === 'mesh' ? String(mesh) : '', name: String(name) }
}

/** The ETag of a resource is its revision. */
function revisionOf(etag: string | undefined): Value {
  const revision = Number(etag?.replaceAll('"', ''))
  return Number.isNaN(revision) ? null : revision
}

/** What the plan is told of a dry run. */
function reviewed(answer: Answer, codec: Codec, isNew: boolean): readonly Problem[] {
  if (answer.status < 200 || answer.status >= 300) {
    // The mesh that is not there may be made by the same plan …
    if (isNew && codeOf(answer) === 'SKERRY_MESH_NOT_FOUND') return []
    return problemsOfAnswer(answer, codec.attributeOf).map(asOfPlan)
  }
  const { warnings = [] } = answer.body as { readonly warnings?: readonly string[] }
  return warnings.map(warning => ({ severity: 'warning', summary: 'The control plane has something to say', detail: warning }))
}

/** … and so may the role that a binding gives: nobody can say yet whether it is misspelt. */
function asOfPlan(problem: Problem): Problem {
  if (!/^roles\[\d+\]: there is no AccessRole /.test(problem.detail ?? '')) return problem
  return { ...problem, severity: 'warning', detail: `${problem.detail}\nWhere this plan makes the role, all is well.` }
}

function alreadyExists(kind: KindDefinition, key: Key): Problem {
  return {
    summary: `${describe(kind, key)} already exists`,
    detail: `Import it with \`terraform import ADDRESS '${formatId(key)}'\`, or with an import block (id = "${formatId(key)}"); or give yours another name.`,
    path: ['name'],
  }
}

function isChanged(kind: KindDefinition, key: Key): Problem {
  return {
    summary: `Somebody else changed ${describe(kind, key)}`,
    detail: 'It is not what it was when this was planned, and nothing was written. Plan again to see what is different.',
  }
}

function isGone(kind: KindDefinition, key: Key): Problem {
  return { summary: `Somebody else deleted ${describe(kind, key)}`, detail: 'Plan again: it will be created.' }
}

function describe({ kind }: KindDefinition, { mesh, name }: Key): string {
  return mesh === '' ? `${kind} "${name}"` : `${kind} "${name}" of mesh "${mesh}"`
}
